#!/usr/bin/env bash
# Brings the browser that tests use: CLIENT_TEST_CHROMIUM, or Debian's package.
set -euo pipefail

say() { printf 'chromium: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

browser=${CLIENT_TEST_CHROMIUM:-/usr/bin/chromium}
if [[ ! -x $browser ]]; then
  [[ -z ${CLIENT_TEST_CHROMIUM:-} ]] || die "CLIENT_TEST_CHROMIUM=$browser is no program"
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null ||
    die "Chromium is needed: install your system's package and set CLIENT_TEST_CHROMIUM to its path"
  say "installing Debian's chromium"
  log=$(mktemp)
  install() {
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends \
      chromium </dev/null >>"$log" 2>&1
  }
  install || { apt-get -qq update >>"$log" 2>&1 && install; } || {
    cat "$log" >&2
    die "apt-get could not install chromium (see above)"
  }
  rm -f "$log"
fi
