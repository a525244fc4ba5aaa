#!/usr/bin/env bash
# Prints fresh passwords for the users of NATS and Redis, as NAME=VALUE lines.
#
#   ops/secrets.sh            prints them; ops/cluster.sh uses this
#   ops/secrets.sh .env       adds those that the file does not have, and makes it private: `docker compose` reads .env
set -euo pipefail

NAMES=(NATS_ADMIN_PASSWORD NATS_GATEWAY_PASSWORD NATS_WORKER_PASSWORD NATS_PUBLISHER_PASSWORD NATS_TAP_PASSWORD
  REDIS_PASSWORD REDIS_ADMIN_PASSWORD)

# 32 hexadecimal digits; the letter keeps nats-server from reading a number.
secret() { printf 's%s' "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"; }

file=${1:-}
if [[ -n $file ]]; then
  umask 077
  touch "$file"
  chmod 600 "$file"
fi
for name in "${NAMES[@]}"; do
  if [[ -z $file ]]; then
    printf '%s=%s\n' "$name" "$(secret)"
  elif ! grep -q "^$name=" "$file"; then
    printf '%s=%s\n' "$name" "$(secret)" >>"$file"
  fi
done
