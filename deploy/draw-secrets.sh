#!/bin/sh
# Draws every secret of docker-compose.yml into deploy/secrets, once; run it as root, it gives the key ring to its reader.
# The folder is closed to others; the files in it are readable, for each container has a user of its own.
set -eu
cd "$(dirname "$0")"
if [ -e secrets ]; then
    echo "deploy/secrets is there already: it is never overwritten" >&2
    exit 1
fi
umask 077
mkdir secrets
draw() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
for name in postgres_password oms_password temporal_password; do draw >"secrets/$name"; done
printf 'postgresql+asyncpg://oms:%s@postgres:5432/oms' "$(cat secrets/oms_password)" >secrets/oms_database_url
chmod 0444 secrets/*
docker run --rm --user 0 --entrypoint python --volume "$PWD/secrets:/secrets" steadfast:latest \
    -m clients.cli.main keyring create /secrets/keyring.json
chown 10001:10001 secrets/keyring.json
