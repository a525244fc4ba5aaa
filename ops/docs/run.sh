#!/usr/bin/env bash
# Installs what the commands of the documentation need, and runs them: without PAGE those of all pages. `make test-docs` calls
# this, behind build and client.
#
#   ops/docs/run.sh [PAGE..]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf 'docs: %s\n' "$*" >&2; }

export PATH=$PATH:/usr/sbin PYTHONDONTWRITEBYTECODE=1
if ! command -v nginx >/dev/null; then
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || {
    say "nginx is needed: install your system's package"
    exit 1
  }
  say "installing Debian's nginx"
  log=$(mktemp)
  # Run level 1: the package's service is not started.
  install() {
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends \
      nginx </dev/null >>"$log" 2>&1
  }
  install || { apt-get -qq update >>"$log" 2>&1 && install; } || {
    cat "$log" >&2
    say "apt-get could not install nginx (see above)"
    exit 1
  }
  rm -f "$log"
fi
# Pages run what the workspace's build has made (run.py). Readers build one package alone, with fewer features: that must compile too.
cargo build --locked --quiet --workspace --all-targets
cargo check --locked --quiet --package runbus-cli
cargo check --locked --quiet --package runbus --examples
[[ $# == 0 ]] || exec python3 ops/docs/run.py "$@"
python3 ops/docs/shown.py &
shown=$!
status=0
python3 ops/docs/run.py || status=$?
wait "$shown" || status=$?
exit "$status"
