#!/usr/bin/env bash
# NATS (three servers, or one) and Redis on loopback, with the configuration files that docker-compose.yml mounts.
#
#   ops/cluster.sh up DIR [--nodes 1|3] [--port BASE] [--owner PID]
#   ops/cluster.sh status DIR
#   ops/cluster.sh kill DIR NODE      kill -9 of one server; NODE is 1, 2, 3 or redis
#   ops/cluster.sh start DIR NODE     starts it again on the same ports and data; NODE may be all
#   ops/cluster.sh wait DIR           returns when those that run are ready: after a kill, when there is a leader again
#   ops/cluster.sh down DIR           stops all; the data stays in DIR
#
# --port BASE   clients on BASE.., routes on BASE+10.., monitoring on BASE+20.., Redis on BASE+30 (default: free ports)
# --owner PID   stops everything when that process is gone, so that a killed test leaves nothing behind
#
# `up` returns when JetStream has a leader and Redis answers, and leaves DIR/cluster.env with KEY=VALUE lines:
#   NATS_URLS (comma separated), REDIS_URL, NODES, CLUSTER (differs for each `up`), REDIS_PID, REDIS_PORT,
#   NATS_PID_<n>, NATS_PORT_<n>, NATS_MONITOR_<n>, NATS_ROUTE_<n>, and the passwords that ops/secrets.sh makes. A server that does
#   not run has the process id 0.
set -euo pipefail

READY_SECONDS=60
STOP_SECONDS=10
# Free ports can be taken between finding and using them.
ATTEMPTS=3
# A Go program that nears this collects garbage harder instead of growing.
export GOMEMLIMIT=${GOMEMLIMIT:-512MiB}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
self=$root/ops/cluster.sh

die() {
  printf 'cluster: %s\n' "$*" >&2
  exit 1
}
usage() {
  sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "$self" >&2
  exit 64
}

# The cluster's env file holds passwords.
umask 077

# Reads, or sets, one key of the cluster's env file.
get() { sed -n "s/^$1=//p" "$dir/cluster.env" | tail -n 1; }
put() {
  {
    grep -v "^$1=" "$dir/cluster.env" || true
    printf '%s=%s\n' "$1" "$2"
  } >"$dir/cluster.env.new"
  mv "$dir/cluster.env.new" "$dir/cluster.env"
}

# Whether the process is alive and really the server of that port: ids are reused.
is_ours() {
  local pid=$1 name=$2
  [[ -n $pid && $pid != 0 ]] || return 1
  if [[ $name == redis ]]; then
    ps -p "$pid" -o args= 2>/dev/null | grep -q "redis-server .*:$(get REDIS_PORT)\|--port $(get REDIS_PORT)"
  else
    ps -p "$pid" -o args= 2>/dev/null | grep -qF -- "--pid $dir/nats-$name.pid"
  fi
}

pid_key() { if [[ $1 == redis ]]; then echo REDIS_PID; else echo "NATS_PID_$1"; fi; }
names() {
  seq 1 "$(get NODES)"
  echo redis
}

start_one() {
  local name=$1 conf routes n
  if [[ $name == redis ]]; then
    mkdir -p "$dir/redis"
    REDIS_PASSWORD=$(get REDIS_PASSWORD) REDIS_ADMIN_PASSWORD=$(get REDIS_ADMIN_PASSWORD) \
      REDIS_ACL_FILE="$dir/redis/users.acl" \
      setsid "$root/ops/redis/start.sh" "$RUNBUS_REDIS_SERVER" "$root/ops/redis/redis.conf" --port "$(get REDIS_PORT)" --bind 127.0.0.1 \
      --dir "$dir/redis" >>"$dir/redis.log" 2>&1 </dev/null &
  else
    conf=$root/ops/nats/secured.conf
    [[ $(get NODES) == 1 ]] || conf=$root/ops/nats/cluster.conf
    routes=
    for n in $(seq 1 "$(get NODES)"); do routes+="${routes:+, }\"nats://127.0.0.1:$(get "NATS_ROUTE_$n")\""; done
    # The server reads each value as if it stood in its file, hence the quotes.
    NATS_SERVER_NAME="\"nats-$name\"" NATS_LISTEN_HOST='"127.0.0.1"' NATS_CLIENT_PORT=$(get "NATS_PORT_$name") \
      NATS_MONITOR_LISTEN="\"127.0.0.1:$(get "NATS_MONITOR_$name")\"" \
      NATS_ROUTE_PORT=$(get "NATS_ROUTE_$name") NATS_ROUTES="[$routes]" \
      NATS_STORE_DIR="\"$dir/nats-$name\"" NATS_STORE_MAX=8GB \
      NATS_ADMIN_PASSWORD="\"$(get NATS_ADMIN_PASSWORD)\"" NATS_GATEWAY_PASSWORD="\"$(get NATS_GATEWAY_PASSWORD)\"" \
      NATS_WORKER_PASSWORD="\"$(get NATS_WORKER_PASSWORD)\"" NATS_TAP_PASSWORD="\"$(get NATS_TAP_PASSWORD)\"" \
      NATS_PUBLISHER_PASSWORD="\"$(get NATS_PUBLISHER_PASSWORD)\"" \
      setsid "$RUNBUS_NATS_SERVER" --config "$conf" --pid "$dir/nats-$name.pid" >>"$dir/nats-$name.log" 2>&1 </dev/null &
  fi
  put "$(pid_key "$name")" $!
}

# Waits until every server that should run answers and JetStream has a leader; fails early when one of them has ended.
wait_ready() {
  python3 - "$dir/cluster.env" "$READY_SECONDS" <<'PY'
import json, socket, subprocess, sys, time, urllib.request

env = dict(line.rstrip("\n").split("=", 1) for line in open(sys.argv[1]))
nodes = int(env["NODES"])
running = [n for n in range(1, nodes + 1) if env[f"NATS_PID_{n}"] != "0"]
names = [f"nats-{n}" for n in running]


def alive(pid):
    # A zombie has ended, too: the shell that started it may not have noticed.
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True).stdout
    return state != "" and state[0] != "Z"


def read(node, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{env[f'NATS_MONITOR_{node}']}{path}", timeout=2) as answer:
        return json.load(answer)


def check():
    for n in running:
        if read(n, "/healthz")["status"] != "ok":
            return f"nats-{n} is not healthy yet"
        if nodes > 1:
            meta = read(n, "/jsz").get("meta_cluster", {})
            # The name of a killed leader stays until another is elected.
            if meta.get("leader") not in names or meta.get("cluster_size") != nodes:
                return f"nats-{n} knows no JetStream leader of {nodes} servers yet"
    if env["REDIS_PID"] != "0":
        with socket.create_connection(("127.0.0.1", int(env["REDIS_PORT"])), timeout=2) as redis:
            redis.sendall(f"AUTH admin {env['REDIS_ADMIN_PASSWORD']}\r\nPING\r\n".encode())
            answer = b""
            while not answer.endswith(b"+PONG\r\n"):
                received = redis.recv(64)
                answer += received
                if not received or b"-" in answer:
                    return f"redis is loading: {answer}"
    return None


deadline = time.monotonic() + float(sys.argv[2])
while True:
    try:
        reason = check()
    except (OSError, ValueError) as error:
        reason = str(error)
    if reason is None:
        break
    for key in [f"NATS_PID_{n}" for n in running] + ["REDIS_PID"]:
        if env[key] != "0" and not alive(env[key]):
            sys.exit(f"cluster: the server of {key} has ended")
    if time.monotonic() > deadline:
        sys.exit(f"cluster: not ready after {sys.argv[2]} s: {reason}")
    time.sleep(0.05)
PY
}

stop_all() {
  local name pid end
  for name in $(names); do
    pid=$(get "$(pid_key "$name")")
    if is_ours "$pid" "$name"; then kill -TERM "$pid" 2>/dev/null || true; fi
  done
  end=$((SECONDS + STOP_SECONDS))
  for name in $(names); do
    pid=$(get "$(pid_key "$name")")
    while is_ours "$pid" "$name"; do
      if ((SECONDS >= end)); then kill -KILL "$pid" 2>/dev/null || true; fi
      sleep 0.05
    done
  done
}

find_servers() {
  if [[ ! -x ${RUNBUS_NATS_SERVER:-} || ! -x ${RUNBUS_REDIS_SERVER:-} ]]; then
    local found
    found=$("$root/ops/tools.sh")
    RUNBUS_NATS_SERVER=$(sed -n 's/^RUNBUS_NATS_SERVER=//p' <<<"$found")
    RUNBUS_REDIS_SERVER=$(sed -n 's/^RUNBUS_REDIS_SERVER=//p' <<<"$found")
  fi
}

# Writes the env file with the ports, nothing running yet.
plan() {
  local nodes=$1 base=$2 n urls= ports
  if [[ -n $base ]]; then
    ports=()
    for n in $(seq 0 $((nodes - 1))); do ports+=($((base + n)) $((base + 10 + n)) $((base + 20 + n))); done
    ports+=($((base + 30)))
  else
    read -r -a ports < <(python3 "$root/ops/free_ports.py" $((3 * nodes + 1)))
  fi
  {
    printf 'CLUSTER=%s\nNODES=%s\n' "$(date +%s)-$$-$RANDOM" "$nodes"
    for n in $(seq 1 "$nodes"); do
      urls+="${urls:+,}nats://127.0.0.1:${ports[3 * n - 3]}"
      printf 'NATS_PORT_%s=%s\nNATS_ROUTE_%s=%s\nNATS_MONITOR_%s=%s\nNATS_PID_%s=0\n' "$n" "${ports[3 * n - 3]}" \
        "$n" "${ports[3 * n - 2]}" "$n" "${ports[3 * n - 1]}" "$n"
    done
    printf 'REDIS_PORT=%s\nREDIS_PID=0\n' "${ports[3 * nodes]}"
    printf 'NATS_URLS=%s\nREDIS_URL=redis://127.0.0.1:%s\n' "$urls" "${ports[3 * nodes]}"
    "$root/ops/secrets.sh"
  } >"$dir/cluster.env"
}

up() {
  local nodes=3 base= owner= attempt name
  while (($#)); do
    case $1 in
      --nodes) nodes=${2:-} ;;
      --port) base=${2:-} ;;
      --owner) owner=${2:-} ;;
      *) usage ;;
    esac
    shift 2 || usage
  done
  [[ $nodes == 1 || $nodes == 3 ]] || die "--nodes $nodes: 1 or 3"
  [[ -z $base || $base =~ ^[0-9]+$ ]] || die "--port $base: a number"
  [[ ! -e $dir/cluster.env ]] || die "$dir/cluster.env exists: already up, or run: ops/cluster.sh down $dir"
  find_servers
  for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
    plan "$nodes" "$base"
    for name in $(names); do start_one "$name"; done
    if wait_ready; then
      [[ -z $owner ]] || watch_owner "$owner"
      return 0
    fi
    stop_all
    rm -f "$dir/cluster.env"
    # Nobody has used what this attempt stored, and its cluster remembers routes that are gone.
    rm -rf "$dir"/nats-[1-3] "$dir/redis"
    [[ -z $base ]] || break
  done
  grep -HE 'FTL|ERR|FATAL|^[0-9]+:[A-Z].* # ' "$dir"/*.log | tail -n 20 >&2 || true
  die "not up; the logs are in $dir"
}

# Runs apart from everything, and ends with this cluster or with the owner. A later cluster in the same folder is not its own.
watch_owner() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  setsid bash -c '
    mine() { grep -qsx "CLUSTER=$2" "$1/cluster.env"; }
    while mine "$2" "$3" && [[ $(ps -o stat= -p "$1") == [!Z]* ]]; do sleep 0.5; done
    if mine "$2" "$3"; then exec "$4" down "$2"; fi
  ' watch "$1" "$dir" "$(get CLUSTER)" "$self" >/dev/null 2>&1 </dev/null &
}

status() {
  local name pid all=0
  for name in $(names); do
    pid=$(get "$(pid_key "$name")")
    if is_ours "$pid" "$name"; then
      printf '%-6s running  pid %s\n' "$name" "$pid"
    else
      printf '%-6s stopped\n' "$name"
      all=1
    fi
  done
  printf 'NATS   %s\nRedis  %s\n' "$(get NATS_URLS)" "$(get REDIS_URL)"
  return "$all"
}

# A process that was killed from outside is not awaited.
forget_dead() {
  local name
  for name in $(names); do
    is_ours "$(get "$(pid_key "$name")")" "$name" || put "$(pid_key "$name")" 0
  done
}

check_node() {
  local name
  for name in $(names); do [[ $name != "${1:-}" ]] || return 0; done
  die "node '${1:-}': one of $(names | paste -sd ' ')"
}

[[ $# -ge 2 ]] || usage
command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2
[[ $command == up || -e $dir/cluster.env ]] || die "no cluster in $dir"
case $command in
  up) up "$@" ;;
  status) status ;;
  kill)
    check_node "${1:-}"
    pid=$(get "$(pid_key "$1")")
    is_ours "$pid" "$1" || die "$1 is not running"
    kill -KILL "$pid"
    while is_ours "$pid" "$1"; do sleep 0.02; done
    put "$(pid_key "$1")" 0
    ;;
  start)
    [[ ${1:-} == all ]] || check_node "${1:-}"
    find_servers
    forget_dead
    for name in $(names); do
      [[ $1 == "$name" || $1 == all ]] || continue
      [[ $(get "$(pid_key "$name")") != 0 ]] || start_one "$name"
    done
    wait_ready || die "not ready after starting $1; the logs are in $dir"
    ;;
  wait)
    forget_dead
    wait_ready || die "the logs are in $dir"
    ;;
  down)
    stop_all
    rm -f "$dir/cluster.env"
    ;;
  *) usage ;;
esac
