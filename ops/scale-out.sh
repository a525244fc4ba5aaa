#!/usr/bin/env bash
# The deployment of docker-compose.yml without containers: three NATS servers, Redis, two gateways and three workers as
# separate processes on loopback. Starts the council on it, shows its events, and exits 0 when the council is completed.
#
#   ops/scale-out.sh [--keep] [--dir DIR] [--runbus FILE] [--definition NAME] [--input INPUT] [--seconds N]
#   ops/scale-out.sh down [DIR]      stops what --keep left running
#
# --keep         leaves everything running: kill parts of it, start more councils
# --dir DIR      data, logs and process ids (default: .runbus/scale-out; what an earlier run stored there is removed)
# --runbus FILE  the program (default: target/debug/runbus, as `make scale-out` builds it)
# --input INPUT  what the council is given: JSON, or text
# --seconds N    how long the council may take (default: 300)
#
# While it runs, `kill -9` any one process that it names: nothing is lost, and the council ends the same.
set -euo pipefail

GATEWAYS=2
WORKERS=3
READY_SECONDS=60
# As docker-compose.yml: what has not drained by then is cut.
STOP_SECONDS=40

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
dir=$root/.runbus/scale-out
runbus=${CARGO_TARGET_DIR:-$root/target}/debug/runbus
definition=council
input="Explain write-ahead logging to a new colleague"
seconds=300
keep=
command=run

say() { printf 'scale-out: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
usage() {
  sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 64
}

while (($#)); do
  case $1 in
    down) command=down ;;
    --keep) keep=yes ;;
    --dir | --runbus | --definition | --input | --seconds)
      (($# > 1)) || usage
      declare "${1#--}=$2"
      shift
      ;;
    -*) usage ;;
    *)
      [[ $command == down ]] || usage
      dir=$1
      ;;
  esac
  shift
done

# Our own processes are lines of NAME PID in this file; an id counts only while it still runs this program.
is_ours() { ps -p "$1" -o args= 2>/dev/null | grep -qF -- "--config $root/ops/runbus/"; }

stop_all() {
  local name pid end=$((SECONDS + STOP_SECONDS))
  [[ -e $dir/processes ]] || return 0
  while read -r name pid; do
    if is_ours "$pid"; then kill -TERM "$pid" 2>/dev/null || true; fi
  done <"$dir/processes"
  while read -r name pid; do
    while is_ours "$pid"; do
      if ((SECONDS >= end)); then
        say "$name did not drain in $STOP_SECONDS s: killed"
        kill -KILL "$pid" 2>/dev/null || true
      fi
      sleep 0.1
    done
  done <"$dir/processes"
  rm -f "$dir/processes"
}

down() {
  stop_all
  [[ ! -e $dir/cluster.env ]] || ops/cluster.sh down "$dir"
}

# Starts one process apart from this terminal, so that an interrupt here drains it instead of cutting it.
launch() {
  local name=$1 role=$2 config=$root/$3
  shift 3
  "${with_addresses[@]}" "$@" setsid "$runbus" "$role" --config "$config" >>"$dir/$name.log" 2>&1 </dev/null &
  printf '%s %s\n' "$name" $! >>"$dir/processes"
  # An expected kill: no notice from this shell.
  disown
}

if [[ $command == down ]]; then
  down
  exit
fi
[[ -x $runbus ]] || die "$runbus is missing: make build"
[[ $seconds =~ ^[0-9]+$ ]] || usage
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[[ ! -e $dir/cluster.env && ! -e $dir/processes ]] || die "something runs in $dir: ops/scale-out.sh down $dir"
rm -rf "$dir"/nats-[1-3] "$dir/redis" "$dir"/*.log

tail_pid=
finish() {
  local code=$?
  [[ -z $tail_pid ]] || kill "$tail_pid" 2>/dev/null || true
  if [[ -n $keep && $code == 0 ]]; then
    say "left running; stop it with: ops/scale-out.sh down $dir"
  else
    down
    say "stopped; logs are in $dir"
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [[ -n $keep ]]; then ops/cluster.sh up "$dir"; else ops/cluster.sh up "$dir" --owner $$; fi
nats=$(sed -n 's/^NATS_URLS=//p' "$dir/cluster.env")
redis=$(sed -n 's/^REDIS_URL=//p' "$dir/cluster.env")
password() { sed -n "s/^$1_PASSWORD=//p" "$dir/cluster.env"; }
# A list and no function, so that `$!` is the program's id.
with_addresses=(env RUNBUS_NATS__SERVERS="$nats" RUNBUS_REDIS__URL="$redis" RUNBUS_REDIS__PASSWORD="$(password REDIS)")

# Callers show a key, as they do in containers.
ops/keys.sh "$dir/keys"
# shellcheck source=/dev/null
source "$dir/keys/keys.env"
api_keys='{"compose": {"sha256": "'$GATEWAY_KEY_SHA256'", "scopes": ["*", "admin", "metrics"]},
  "prometheus": {"sha256": "'$METRICS_KEY_SHA256'", "scopes": ["metrics"]}}'

read -r -a ports < <(python3 ops/free_ports.py $GATEWAYS)
for n in $(seq 1 $GATEWAYS); do
  launch "gateway-$n" gateway ops/runbus/gateway.toml RUNBUS_GATEWAY__LISTEN="127.0.0.1:${ports[n - 1]}" \
    RUNBUS_NATS__PASSWORD="$(password NATS_GATEWAY)" \
    RUNBUS_AUTH__MODE=required RUNBUS_AUTH__API_KEYS="$api_keys"
done
for n in $(seq 1 $WORKERS); do
  launch "worker-$n" worker ops/runbus/worker.toml RUNBUS_WORKER__NAME="worker-$n" \
    RUNBUS_NATS__PASSWORD="$(password NATS_WORKER)" \
    RUNBUS_WORKER__DEFINITIONS="$root/examples/council.yaml"
done

# Ready means all: a worker that refused its configuration would otherwise show only in its log.
end=$((SECONDS + READY_SECONDS))
for n in $(seq 1 $GATEWAYS); do
  until ops/runbus/healthcheck.sh "127.0.0.1:${ports[n - 1]}" 2>/dev/null; do
    ((SECONDS < end)) || { tail -n 5 "$dir"/gateway-*.log >&2; die "gateway-$n is not ready after $READY_SECONDS s"; }
    while read -r name pid; do
      is_ours "$pid" || { cat "$dir/$name.log" >&2; die "$name has ended"; }
    done <"$dir/processes"
    sleep 0.2
  done
done
while read -r name pid; do
  is_ours "$pid" || { cat "$dir/$name.log" >&2; die "$name has ended"; }
done <"$dir/processes"

{
  echo
  echo "Running on NATS $nats and $redis:"
  for n in $(seq 1 $GATEWAYS); do echo "  gateway-$n  http://127.0.0.1:${ports[n - 1]}"; done
  echo "Callers of a gateway show the key in $dir/keys/api.key"
  echo "Kill what you like, one at a time:"
  while read -r name pid; do echo "  kill -9 $pid    # $name"; done <"$dir/processes"
  echo "  ops/cluster.sh kill $dir 2     # a NATS server; bring it back: ops/cluster.sh start $dir 2"
  echo
} >&2

# One start, by either gateway: starting the same id again after a failed answer starts nothing twice.
gateways=$(printf 'http://127.0.0.1:%s ' "${ports[@]}")
execution=scale-out-$(date +%Y%m%d-%H%M%S)-$$
"${with_addresses[@]}" RUNBUS_NATS__PASSWORD="$(password NATS_GATEWAY)" "$runbus" tail --config "$root/ops/runbus/gateway.toml" --execution "$execution" \
  --since all --until-end </dev/null &
tail_pid=$!

# shellcheck disable=SC2086 # one gateway a word
python3 - "$definition" "$input" "$execution" "$seconds" "$dir/keys/api.key" $gateways <<'PY'
import http.client, json, sys, time, urllib.error, urllib.request

definition, text, execution, seconds, key, *gateways = sys.argv[1:]
headers = {"content-type": "application/json", "authorization": f"Bearer {open(key).read()}"}
deadline = time.monotonic() + float(seconds)


def call(path, body=None):
    """Asks one gateway after the other, so that either may be killed."""
    error = None
    while time.monotonic() < deadline:
        for gateway in gateways:
            request = urllib.request.Request(gateway + path, body, headers)
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as refused:
                if refused.code < 500:
                    sys.exit(f"scale-out: {path}: {refused.code} {refused.read().decode()}")
                error = refused
            except (OSError, http.client.HTTPException, ValueError) as lost:
                error = lost
        time.sleep(0.2)
    sys.exit(f"scale-out: no gateway answered in time: {error}")


try:
    given = json.loads(text)
except ValueError:
    given = text
start = {"definition": definition, "input": given, "execution_id": execution}
call("/v1/executions", json.dumps(start).encode())
while True:
    status = call(f"/v1/executions/{execution}")
    if status["status"] in ("completed", "failed", "cancelled"):
        break
    if time.monotonic() > deadline:
        sys.exit(f"scale-out: {execution} is still {status['status']} after {seconds} s")
    time.sleep(0.25)
if status["status"] != "completed":
    sys.exit(f"scale-out: {execution} {status['status']}: {status.get('error')}")
PY
# The output ends with the execution; the last events may still be on their way.
for _ in $(seq 1 50); do
  kill -0 "$tail_pid" 2>/dev/null || break
  sleep 0.1
done
say "$execution completed"
