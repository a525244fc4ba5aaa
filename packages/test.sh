#!/usr/bin/env bash
# Builds the packages, installs them into clean environments without a network, and runs the program from there. Part of
# `make test`, behind build.
#
#   packages/test.sh [PYTEST ARGUMENTS]
#
# Environment:
#   RUNBUS_BINARY      the program (default: target/debug/runbus, as the workspace build leaves it)
#   RUNBUS_TOOLS_DIR   where environments and the wheels of the client's dependencies are kept (default: .tools)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
tools=${RUNBUS_TOOLS_DIR:-$root/.tools}
client=$root/clients/python

say() { printf 'packages: %s\n' "$*" >&2; }

for program in node npm cc readelf; do
  command -v "$program" >/dev/null || {
    say "$program is needed (Debian: apt-get install nodejs npm gcc binutils)"
    exit 1
  }
done
python=$("$client/test.sh" --python test)
PYTHONDONTWRITEBYTECODE=1 "$("$client/test.sh" --python tools)" -m ruff check --quiet --no-cache --config "$client/pyproject.toml" --target-version py311 "$here"

# The client's dependencies, as files: the installation below asks no index.
requirements=$client/requirements/test.txt
sum=$(cat "$requirements" <("$python" --version) | sha256sum | cut -c1-16)
wheels=$tools/python-client-wheels-$sum
(
  command -v flock >/dev/null && flock -w 600 9
  [[ ! -e $wheels ]] || exit 0
  say "fetching the wheels of the client's dependencies"
  rm -rf "$wheels.new"
  "$python" -m pip download --quiet --disable-pip-version-check --no-input --only-binary :all: --require-hashes \
    --requirement "$requirements" --dest "$wheels.new" >&2 </dev/null
  mv "$wheels.new" "$wheels"
) 9>"$tools/.python-client.lock" || {
  say "cannot fetch the wheels of $requirements (see above)"
  exit 1
}
export RUNBUS_PACKAGES_WHEELS=$wheels PYTHONDONTWRITEBYTECODE=1
exec "$python" -m pytest -p no:cacheprovider -c "$client/pyproject.toml" --rootdir "$here" "$here/tests" "$@"
