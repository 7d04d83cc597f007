#!/bin/sh
# Makes the files of secrets that compose.yaml mounts; one that is there stays as it is.
#
# The folder is closed to other users of this host. The files are not: in a container a user of
# another number reads them, and only those are mounted there that it needs.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets/single secrets/replicas
chmod 700 secrets

drawn() { od -An -v -N24 -tx1 /dev/urandom | tr -d ' \n'; }
make() { [ -s "secrets/$1" ] || printf '%s\n' "$2" > "secrets/$1"; }

make grafana_password "$(drawn)"
make postgres_password "$(drawn)"
make metrics_key "none"
make single/kerasd_database_url "sqlite:////var/lib/kerasd/kerasd.sqlite"
make replicas/kerasd_database_url \
  "postgresql://kerasd:$(cat secrets/postgres_password)@postgres/kerasd"
