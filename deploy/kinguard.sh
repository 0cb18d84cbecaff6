#!/bin/sh
# Runs `kinguard` from this folder wherever one stands; the first time, it makes .venv.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
"$here/deploy/setup.sh" run >&2
exec "$here/.venv/bin/kinguard" "$@"
