#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A member that missed writes of an array without a bitmap is copied whole.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_libnbd

md_array a.img b.img --bitmap=none
random_disk 7M data
serve_mirror a.img b.img
client nbdcopy --flush data "$(uri mirror)"
stop mirror
serve_mirror a.img
python <<'END'
from nbdtest import *

connect().pwrite(b"new" * 1024, 1 * MiB)
END
stop mirror

printf junk | dd of=b.img bs=1 seek=$(($(md_data b.img) + 3 * 1024 * 1024)) \
  conv=notrunc status=none
serve_mirror b.img a.img
said 1 "disk $dir/b.img: missed writes: it is unknown which; it will be rebuilt once"
client nbdinfo "$(uri mirror)"
wait_until grep "disk $dir/b.img .*is rebuilt and in sync" mirror.messages
stop mirror
cmp -n 7340032 -i "$(md_data a.img)" a.img b.img
md_is a.img slots '"AA"'
md_is b.img clean true
