#!/usr/bin/env bash
# Builds the console and tests it: its folds and components, then its views in Chromium on real gateways. `make test-console` calls
# this with the servers of ops/tools.sh.
#
# Arguments: --build (only the bundle), --pictures (ends behind the pictures), --renew (writes the pictures anew: look at them).
#
# Environment: CLIENT_TEST_RUNBUS (the program), CLIENT_TEST_CHROMIUM (the browser), CONSOLE_TEST_NAME (only tests of that name),
# CONSOLE_TEST_SHOTS (a folder for screenshots), CONSOLE_TEST_DIST=1 (the page is that of gateway/console-dist, whatever the program has inside;
# it names no other gateways, so the switch to another one cannot be tried).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

../typescript/scripts/chromium.sh
scripts/install.sh
exec node scripts/test.mjs "$@"
