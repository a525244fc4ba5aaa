#!/usr/bin/env bash
# Tests what surrounds the code: scripts, server configuration, the container deployment. Part of `make test`.
#
# The configuration files are not only read: a cluster is started with them, loses a server, gets it back.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ -n ${RUNBUS_TOOLS_PYTHON:-} ]] || exec ops/tools.sh run ops/check.sh

for script in ops/*.sh ops/*/*.sh packages/*.sh .ci/run; do bash -n "$script"; done
sh -n packages/npm/bin/runbus
if command -v shellcheck >/dev/null; then shellcheck ops/*.sh ops/*/*.sh packages/*.sh packages/npm/bin/runbus .ci/run; fi

PYTHONPATH=$RUNBUS_TOOLS_PYTHON PYTHONDONTWRITEBYTECODE=1 python3 ops/check.py
python3 ops/prose.py
site=$(mktemp -d)
PYTHONDONTWRITEBYTECODE=1 python3 ops/docs/book.py build "$site/site"
rm -rf "$site"
# Where Prometheus's own tool is: the configuration, and that each alert fires when it should and not before.
if command -v promtool >/dev/null; then
  promtool check config ops/prometheus/prometheus.yml >/dev/null
  promtool test rules ops/prometheus/alerts.test.yml
fi
GATEWAY_KEY_SHA256=$(printf '%064d' 0)
export GATEWAY_KEY_SHA256 METRICS_KEY_SHA256=$GATEWAY_KEY_SHA256
if docker compose version >/dev/null 2>&1; then docker compose --file docker-compose.yml config --quiet; fi

work=$(mktemp -d)
finish() {
  for dir in "$work"/*; do [[ ! -e $dir/cluster.env ]] || ops/cluster.sh down "$dir"; done
  rm -rf "$work"
}
trap finish EXIT
value() { sed -n "s/^$2=//p" "$1/cluster.env"; }
shards=$(sed -n 's/^shards = //p' ops/runbus/worker.toml)

# The server's address for a user.
address() {
  printf 'nats://%s:%s@127.0.0.1:%s' "$3" "$(value "$1" "NATS_${3^^}_PASSWORD")" "$(value "$1" "NATS_PORT_$2")"
}
check_mapping() {
  python3 ops/nats/check_mapping.py "$(address "$1" "$2" admin)" "$(address "$1" "$2" publisher)" "$shards" "$3"
}

one=$work/one
ops/cluster.sh up "$one" --nodes 1 --owner $$
check_mapping "$one" 1 1
ops/cluster.sh down "$one"

three=$work/three
ops/cluster.sh up "$three" --owner $$
ops/cluster.sh kill "$three" 2
# Two of three servers go on, after an election: until then nobody answers. The mapping works on each.
ops/cluster.sh wait "$three"
check_mapping "$three" 3 3
ops/cluster.sh start "$three" 2
ops/cluster.sh kill "$three" redis
ops/cluster.sh start "$three" redis
ops/cluster.sh status "$three" >/dev/null
check_mapping "$three" 2 3
ops/cluster.sh down "$three"
echo "ops: checked"
