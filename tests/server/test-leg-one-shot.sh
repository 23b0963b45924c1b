#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg's server that takes one client in its life, as qemu-nbd does: it
# serves until the mirror stops, and ends then.

. "$(dirname "$0")/functions.sh"
requires qemu-nbd nbdcopy

disk 4M a.img b.img
random_disk 4M data
started b qemu-nbd -f raw -k "$dir/b.sock" --pid-file="$dir/b.pid" b.img
serve_mirror a.img "$(uri b)"
client nbdcopy --flush data "$(uri mirror)"
client nbdcopy "$(uri mirror)" out
stop mirror
ended b
said 0 .
cmp data out
cmp data a.img
cmp data b.img
