#!/usr/bin/env bash
# Tests the Python client with the oldest and the newest supported Python: the wheel is built, installed beside the
# pinned requirements, and used from there. Part of `make test`; run it through ops/tools.sh, which brings NATS and Redis.
#
#   ops/tools.sh run clients/python/test.sh [PYTEST ARGUMENTS]
#   ops/tools.sh run clients/python/test.sh --bench      prints figures in place of tests
#   clients/python/test.sh --types                       makes the types from the contracts (part of `make docs`)
#   clients/python/test.sh --python NAME                 prints the interpreter with requirements/NAME.txt, newest Python
#
# Environment:
#   RUNBUS_BINARY           the binary to test with (default: target/debug/runbus, as the workspace build leaves it)
#   RUNBUS_PYTHON_VERSIONS  versions to test with (default: "3.10 3.13"); each must be there as python<version> in PATH
#                           or under pyenv's folder of versions
#   RUNBUS_TOOLS_DIR        where environments are kept (default: .tools in the project)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
tools=${RUNBUS_TOOLS_DIR:-$root/.tools}
versions=${RUNBUS_PYTHON_VERSIONS:-3.10 3.13}
newest=${versions##* }

say() { printf 'python: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# Prints an interpreter of a version.
interpreter() {
  local version=$1 found
  for found in "$(command -v "python$version" || true)" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python /usr/local/bin/"python$version" python3; do
    # pyenv's own python3.10 in PATH may be a stand-in for a version that is not chosen.
    if [[ -n $found ]] && "$found" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
      "$found" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  die "Python $version with venv is needed: install it (Debian: apt-get install python$version-venv; or pyenv install $version)," \
    "or choose others, for instance RUNBUS_PYTHON_VERSIONS='3.11 3.12'"
}

# Prints the interpreter of an environment with pinned requirements: `environment INTERPRETER NAME`.
environment() {
  local python=$1 requirements=$here/requirements/$2.txt sum dir
  sum=$(cat "$requirements" <("$python" --version) | sha256sum | cut -c1-16)
  dir=$tools/python-client-$2-$sum
  (
    # Two runs that share the folder install one after the other.
    command -v flock >/dev/null && flock -w 600 9
    [[ ! -e $dir/complete ]] || exit 0
    say "making the environment $2 for $("$python" --version)"
    rm -rf "$dir"
    "$python" -m venv "$dir"
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: --require-hashes \
      --requirement "$requirements" >&2 </dev/null
    touch "$dir/complete"
  ) 9>"$tools/.python-client.lock" || die "cannot install $requirements (see above)"
  printf '%s\n' "$dir/bin/python"
}

# Prints the folder of pyright.
pyright() {
  local sum dir
  sum=$(sha256sum <"$here/requirements/pyright/package-lock.json" | cut -c1-16)
  dir=$tools/pyright-$sum
  if [[ ! -e $dir/node_modules/pyright/index.js ]]; then
    command -v npm >/dev/null || die "node with npm is needed for pyright (Debian: apt-get install nodejs npm)"
    say "installing pyright"
    mkdir -p "$dir"
    cp "$here"/requirements/pyright/*.json "$dir"
    (cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --silent >&2 </dev/null) || die "cannot install pyright (see above)"
  fi
  printf '%s\n' "$dir/node_modules/pyright/index.js"
}

mkdir -p "$tools"
if [[ ${1:-} == --python ]]; then
  environment "$(interpreter "$newest")" "$2"
  exit
fi
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

if [[ ${1:-} == --bench ]]; then
  python=$(environment "$(interpreter "$newest")" test)
  PYTHONPATH=$here/src PYTHONDONTWRITEBYTECODE=1 "$python" "$here/bench"
  exit
fi

tool=$(environment "$(interpreter "$newest")" tools)
if [[ ${1:-} == --types ]]; then
  "$tool" "$here/scripts/generate_types.py"
  exit
fi
"$tool" -W ignore "$here/scripts/generate_types.py" --check
"$tool" -m ruff check --quiet --no-cache "$here"
(cd "$here" && "$tool" -m hatchling build --target wheel --directory "$work/dist" >/dev/null)

# One version: its summary is the end of its output.
one() {
  local version=$1 python
  shift
  python=$(environment "$(interpreter "$version")" test)
  "$python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-index --no-compile --target "$work/$version" "$work"/dist/*.whl
  say "pytest with $("$python" --version), $("$python" -c 'import pydantic, websockets; print("pydantic", pydantic.VERSION, "websockets", websockets.__version__)')"
  # From another folder, so that nothing but the installed wheel is found.
  cd "$work" && PYTHONPATH=$work/$version PYTHONDONTWRITEBYTECODE=1 exec "$python" -m pytest -p no:cacheprovider -c "$here/pyproject.toml" \
    --rootdir "$here" "$here/tests" "$@"
}

# Environments are made one after the other, then all versions are tested beside each other: they mostly wait.
for version in $versions; do environment "$(interpreter "$version")" test >/dev/null; done
declare -A running=()
for version in $versions; do
  (one "$version" "$@") >"$work/$version.log" 2>&1 &
  running[$version]=$!
done
faults=0
(cd "$here" && node "$(pyright)" --pythonpath "$(environment "$(interpreter "$newest")" test)" --warnings) || {
  say "pyright found faults"
  faults=1
}
for version in $versions; do
  wait "${running[$version]}" || faults=1
  cat "$work/$version.log"
done
exit "$faults"
