#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the peer into the build folder and compares. Usage: run.sh PEER_RUNS SOURCES MODULES
set -eu
peer_runs=$1
sources=$2
modules=$3
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "node or npm is absent: nothing to compare with"
    exit 77
fi
mkdir -p "$modules"
if ! cmp -s "$sources/package.json" "$modules/package.json" || [ ! -d "$modules/node_modules/cron-parser" ]; then
    cp "$sources/package.json" "$modules/package.json"
    (cd "$modules" && npm install --no-package-lock --no-audit --no-fund)
fi
exec node "$sources/compare.mjs" "$peer_runs" "$modules"
