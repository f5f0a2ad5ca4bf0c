#!/usr/bin/env bash
# Installs the named tools that are missing, with apt where that is allowed.
#
#   scripts/install-system.sh chromium mariadb-server nginx postgresql redis-server wrk
set -euo pipefail

is_there() {
  case "$1" in
    # Debian keeps this part of Python in a package of its own.
    python3-venv) python3 -c 'import ensurepip' 2>/dev/null ;;
    # Debian keeps the programs of a server off PATH.
    postgresql) command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
    mariadb-server) command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing=()
for tool in "$@"; do
  is_there "$tool" || missing+=("$tool")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  echo "Please install: ${missing[*]} (there is no apt-get here, or no right to use it)" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
