#!/usr/bin/env bash
# Builds the packages with the program for pip and npm: packages/build.py says which. `make packages` calls this.
#
#   packages/build.sh FOLDER PROGRAM..
#
# Needed: binutils, cargo (for the notices about crates). hatchling comes from the environment of the Python client's tools.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/../clients/python/test.sh" --python tools)
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$here/build.py" "$@"
