#!/usr/bin/env bash
# Installs the packages of package-lock.json, once for each lock file: the runtimes among them are large.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null || {
  printf 'typescript: Node 20 or later is needed, with npm\n' >&2
  exit 1
}
sum=$(cat package-lock.json package.json | sha256sum | cut -c1-16)
if [[ ! -e node_modules/.installed-$sum ]]; then
  printf 'typescript: installing the packages of package-lock.json\n' >&2
  # Some packages that only tests use ask for Node 22 and run on 20, too.
  npm ci --no-audit --no-fund --loglevel=error
  touch "node_modules/.installed-$sum"
fi
