#!/bin/sh
# The namespace and its search attributes; what is there already stays as it is.
set -eu
temporal operator namespace describe --namespace oms >/dev/null 2>&1 \
    || temporal operator namespace create --namespace oms --retention 30d
for name in Channel Shop Stuck; do
    temporal operator search-attribute list --namespace oms | grep -qw "$name" \
        || temporal operator search-attribute create --namespace oms --name "$name" --type Keyword
done
