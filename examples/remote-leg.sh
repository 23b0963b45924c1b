#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Mirrors a local disk to another machine: the second disk is an NBD export.
# Here the other machine is a second nbdkit on a Unix socket; over the network
# its URI would be nbds://backup.example.com/?tls-psk-file=/etc/mirror.psk

set -euo pipefail
MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
command -v nbdcopy >/dev/null || { echo "no nbdcopy"; exit 77; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/mirror-example.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || :; wait; rm -rf "$dir"' EXIT
cd "$dir"

# The other machine.
truncate -s 16M remote.img
nbdkit -f -P remote.pid -U "$dir/remote.sock" file remote.img &
until test -s remote.pid; do
  kill -0 $!            # an error if it could not start
  sleep 0.05
done

# This machine: a path and a URI make one mirror.
truncate -s 16M local.img
head -c 16M /dev/urandom >data
nbdkit -U - "$MIRROR_SO" local.img "nbd+unix:///?socket=$dir/remote.sock" \
  --run 'timeout 60 nbdcopy --flush data "$uri"'

cmp data local.img
cmp data remote.img
echo "The data is here and there."
