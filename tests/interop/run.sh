#!/usr/bin/env bash
# Tries Runbus with programs of others (tests/interop/README.md): `make test-interop`, or ops/tools.sh interop tests/interop/run.sh
# [PYTEST ARGUMENTS]. It needs a binary that is built: RUNBUS_BINARY, else the debug build of this project.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONDONTWRITEBYTECODE=1
exec "${RUNBUS_INTEROP_PYTHON:?run me through ops/tools.sh interop}" -m pytest --rootdir "$here" -p no:cacheprovider -ra "$here" "$@"
