#!/usr/bin/env bash
# Installs the packages of package-lock.json, once for each lock file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null || {
  printf 'console: Node 20.19 or later is needed, with npm\n' >&2
  exit 1
}
sum=$(cat package-lock.json package.json | sha256sum | cut -c1-16)
if [[ ! -e node_modules/.installed-$sum ]]; then
  printf 'console: installing the packages of package-lock.json\n' >&2
  npm ci --no-audit --no-fund --loglevel=error
  touch "node_modules/.installed-$sum"
fi
