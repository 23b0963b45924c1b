#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Legs over TLS with a pre-shared key, on a Unix socket and on TCP; a server
# that does not know the key is refused.

. "$(dirname "$0")/functions.sh"
requires psktool nbdcopy

for keys in right.psk wrong.psk; do
  psktool -u alice -p $keys
done
disk 4M a.img b.img
random_disk 4M data
serve a --tls=require --tls-psk="$dir/right.psk" file a.img
serve_tcp b --tls=require --tls-psk="$dir/right.psk" file b.img

legs=("nbds+unix://alice@/?socket=$dir/a.sock&tls-psk-file=$dir/right.psk"
      "nbds://alice@localhost:$port/?tls-psk-file=$dir/right.psk")
nbdkit_once "$MIRROR_SO" "${legs[@]}" --run '
  nbdcopy --flush data "$uri" &&
  nbdcopy "$uri" out
'
cmp data out
cmp data a.img
cmp data b.img

refused "disk nbds://alice@localhost.*: cannot connect: .*handshake" \
  "${legs[0]}" "${legs[1]/right/wrong}"
refused "disk nbds\+unix://alice@.*: cannot connect: .*handshake" \
  "${legs[0]/right/wrong}" "${legs[1]}"
# Never in the clear.
refused "disk nbd://localhost.*: cannot connect: " \
  "${legs[0]}" "nbd://localhost:$port/"
