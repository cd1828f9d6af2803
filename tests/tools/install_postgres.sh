#!/bin/sh
# Puts Postgres binaries on a bare machine for the tests, without starting a server. Safe to run again.
set -eu

have() {
  command -v postgres >/dev/null 2>&1 && return 0
  for initdb in /usr/lib/postgresql/*/bin/initdb; do
    [ -x "$initdb" ] && return 0
  done
  return 1
}

if have; then
  echo "Postgres is here."
  exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo "The tests need Postgres 14 or newer: install it so that 'postgres' and 'initdb' stand in PATH." >&2
  echo "macOS: brew install postgresql@17, then add its bin folder to PATH." >&2
  exit 1
fi

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    echo "The tests need Postgres. Run as root: $0" >&2
    exit 1
  fi
}

# Debian's package makes and starts a cluster of its own unless it is told not to before the server is installed.
conf=/etc/postgresql-common/createcluster.conf
as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql-common
as_root sed -i 's/^#* *create_main_cluster *=.*$/create_main_cluster = false/' "$conf"
grep -q '^create_main_cluster = false$' "$conf" || printf 'create_main_cluster = false\n' | as_root tee -a "$conf" >/dev/null
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql
have
