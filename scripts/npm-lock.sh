#!/usr/bin/env bash
# Rewrites the package-lock.json beside a package.json without naming any registry, so that
# `npm ci` asks whichever one the machine is set up for. The integrity hashes stay.
#
#   scripts/npm-lock.sh tests/interop
set -euo pipefail
cd "$1"
npm install --package-lock-only --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved
if grep -n '"resolved"' package-lock.json; then
  echo "package-lock.json still names where packages come from (above)" >&2
  exit 1
fi
