#!/bin/sh
# As the official image begins: as root, which owns the volume; then as postgres.
set -eu
as() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
chown postgres "$PGDATA" /run/postgresql
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  as initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" -E UTF8 \
    --locale C.UTF-8 --auth-host scram-sha-256 --auth-local trust --no-sync
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE \"$POSTGRES_DB\"" | as postgres --single -D "$PGDATA" postgres
fi
exec setpriv --reuid postgres --regid postgres --clear-groups \
  postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql
