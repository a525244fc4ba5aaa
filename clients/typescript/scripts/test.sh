#!/usr/bin/env bash
# Installs what the tests of the client need, and runs them. `make test-typescript` calls this with the servers of ops/tools.sh.
#
# Environment: CLIENT_TEST_RUNBUS (the program), CLIENT_TEST_CHROMIUM (the browser), CLIENT_TEST_NAME (only tests of that name).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/chromium.sh
scripts/install.sh
exec node scripts/test.mjs "$@"
