#!/bin/sh
# Temporal's schema, brought up to the version of the image. Its setup runs once: a second one would forget the version.
set -eu
SQL_PASSWORD="$(cat /run/secrets/temporal_password)"
export SQL_PASSWORD
for place in temporal:temporal temporal_visibility:visibility; do
    set -- --plugin postgres12 --ep postgres -p 5432 -u temporal --db "${place%%:*}"
    versions="/etc/temporal/schema/postgresql/v12/${place##*:}/versioned"
    temporal-sql-tool "$@" update-schema -d "$versions" && continue
    temporal-sql-tool "$@" setup-schema -v 0.0
    temporal-sql-tool "$@" update-schema -d "$versions"
done
