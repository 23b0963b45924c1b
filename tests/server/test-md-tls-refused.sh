#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A remote disk whose TLS fails, beside a member, is no disk that is missing:
# the mirror neither waits for it nor starts without it.

. "$(dirname "$0")/functions.sh"
requires psktool

for keys in right.psk wrong.psk; do
  psktool -u alice -p $keys
done
md_array a.img b.img
before=$(sums a.img b.img)
serve b --tls=require --tls-psk="$dir/right.psk" file b.img
leg="nbds+unix://alice@/?socket=$dir/b.sock&tls-psk-file=$dir"
nbdkit_once -r "$MIRROR_SO" a.img "$leg/right.psk" --run true
for degraded in yes no wait:86400; do
  refused "disk nbds.unix://alice@.*: cannot connect: .*handshake" \
    a.img "$leg/wrong.psk" degraded=$degraded
  # The same in the clear, of a server that wants TLS.
  refused "disk nbd.unix://.*: cannot connect: " \
    "$(uri b)" a.img degraded=$degraded
done
test "$(sums a.img b.img)" = "$before"
