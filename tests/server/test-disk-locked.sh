#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk that another mirror serves is refused, also when that server has
# forked into the background, and free again when it has ended.

. "$(dirname "$0")/functions.sh"

disk 1M a.img b.img c.img
# No -f: the process that took the locks is not the one that serves.
nbdkit -P "$dir/pid" -U "$dir/mirror.sock" "$MIRROR_SO" a.img b.img
wait_until test -s pid
server[mirror]=$(cat pid)

refused "disk $dir/b.img: is in use by another process.*stop" c.img b.img
refused "disk $dir/a.img: is in use by another process" a.img c.img

kill "${server[mirror]}"
wait_until is_gone "${server[mirror]}"
unset "server[mirror]"
nbdkit_once "$MIRROR_SO" a.img b.img --run true
