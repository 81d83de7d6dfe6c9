#!/bin/sh
# PostgreSQL's first start: one role and database for Steadfast, one role with two databases for Temporal.
# Passwords are read from files and handed over as psql variables, so that any character is safe.
set -eu
psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
    --set oms="$(cat /run/secrets/oms_password)" --set temporal="$(cat /run/secrets/temporal_password)" <<'SQL'
CREATE ROLE oms LOGIN PASSWORD :'oms';
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE DATABASE oms OWNER oms;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
SQL
