#!/bin/sh
# Starts Redis with the users of users.acl. Usage: start.sh PROGRAM ARGS..
#
# Environment: REDIS_PASSWORD (gateways and workers), REDIS_ADMIN_PASSWORD (people); letters, digits, `-` and `_` only.
#   REDIS_ACL_FILE   where the users with their passwords are written, mode 0600 (default: /tmp/users.acl)
set -eu

here=$(dirname "$0")
for name in REDIS_PASSWORD REDIS_ADMIN_PASSWORD; do
  eval "value=\${$name:-}"
  case $value in
    '' | *[!A-Za-z0-9_-]*)
      echo "redis: $name is empty or has other characters than A-Z, a-z, 0-9, '-' and '_': run ops/secrets.sh" >&2
      exit 64
      ;;
  esac
done
file=${REDIS_ACL_FILE:-/tmp/users.acl}
umask 077
rm -f "$file"
sed -e "s|\${REDIS_PASSWORD}|$REDIS_PASSWORD|" -e "s|\${REDIS_ADMIN_PASSWORD}|$REDIS_ADMIN_PASSWORD|" \
  "$here/users.acl" >"$file"
exec "$@" --aclfile "$file"
