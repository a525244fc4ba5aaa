#!/usr/bin/env bash
# Makes the API keys of a deployment, once: what callers show, and the hashes that gateways are configured with.
#
#   ops/keys.sh           for docker compose: keys in .runbus/keys; their hashes, and the passwords of ops/secrets.sh, in .env,
#                         which compose reads by itself
#   ops/keys.sh DIR       keys and hashes (keys.env) in DIR alone
#
# DIR/api.key       for people and programs: everything
# DIR/metrics.key   for Prometheus: the scope `metrics`, nothing else
#
# Keys that are there stay. For new ones remove the folder, run this again, and start the gateways again.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=${1:-$root/.runbus/keys}
(($# <= 1)) && [[ ${1:-} != -* ]] || {
  sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 64
}

umask 077
mkdir -p "$dir"

# As `runbus auth key` does: 256 random bits.
key() {
  local file=$dir/$1.key random
  if [[ ! -s $file ]]; then
    random=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')
    printf 'rbk_%s' "$random" >"$file.new"
    mv "$file.new" "$file"
  fi
}
hash() { sha256sum <"$dir/$1.key" | cut -d ' ' -f 1; }

key api
key metrics
# Prometheus's container reads it as another user; the folder keeps others on this machine out.
chmod 644 "$dir/metrics.key"
printf 'GATEWAY_KEY_SHA256=%s\nMETRICS_KEY_SHA256=%s\n' "$(hash api)" "$(hash metrics)" >"$dir/keys.env"

if (($# == 0)); then
  "$root/ops/secrets.sh" "$root/.env"
  # Other entries stay.
  { grep -vE '^(GATEWAY|METRICS)_KEY_SHA256=' "$root/.env" 2>/dev/null || true; cat "$dir/keys.env"; } >"$root/.env.new"
  mv "$root/.env.new" "$root/.env"
fi
printf 'keys: %s/api.key is for callers: curl -H "Authorization: Bearer $(cat %s/api.key)" ...\n' "$dir" "$dir" >&2
