#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk that cannot store its metadata is out: the client's write succeeds,
# the other's superblock says so before the reply, and the next start rebuilds
# the disk.

. "$(dirname "$0")/functions.sh"
requires_filter error
requires_libnbd

md_array a.img b.img
serve b --filter=error file b.img error-pwrite-rate=100% \
  error-file="$dir/broken"
serve_mirror a.img "$(uri b)"
touch broken
python <<'END'
from nbdtest import *
from mdtest import examine

connect().pwrite(b"1" * 4096, 0)
assert examine("a.img")["slots"] == "A."
assert examine("b.img")["events"] == 0
END
said_out b.sock
said 1 "writing its metadata failed"
stop mirror
rm broken mirror.messages
serve_mirror a.img "$(uri b)"
client nbdinfo "$(uri mirror)"
wait_until grep "b.sock .*is rebuilt and in sync" mirror.messages
stop mirror
md_is a.img slots '"AA"'
cmp -n 7340032 -i "$(md_data a.img)" a.img b.img
