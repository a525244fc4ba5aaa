#!/usr/bin/env bash
# Succeeds when a gateway or a worker answers an HTTP path with 200; needs nothing but bash.
#
#   healthcheck.sh HOST:PORT [PATH]     PATH: /readyz (default) or /healthz
set -euo pipefail

address=${1:?usage: healthcheck.sh HOST:PORT [PATH]}
exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "${2:-/readyz}" "$address" >&3
read -r -t 5 _ status _ <&3
[[ $status == 200 ]]
