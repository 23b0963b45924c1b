#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk fails a flush: when the client has its reply, the superblock of the
# other says that it is out.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_libnbd

md_array a.img b.img
# Writes with FUA, as of the metadata, go on.
broken="$dir/broken" image="$dir/a.img" serve a eval \
  get_size='stat -c %s "$image"' can_write='exit 0' can_flush='exit 0' \
  can_fua='echo native' \
  pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
  pwrite='dd of="$image" oflag=seek_bytes conv=notrunc seek=$4' \
  flush='if test -e "$broken"; then echo EIO broken >&2; exit 1; fi'
serve_mirror "$(uri a)" b.img
python <<'END'
from nbdtest import *
from mdtest import examine

h = connect()
h.pwrite(b"1" * 4096, 0)
h.flush()
assert examine("b.img")["slots"] == "AA"
open("broken", "w").close()
h.pwrite(b"2" * 4096, 0)
h.flush()
assert examine("b.img")["slots"] == ".A"
h.flush()
END
said_out a.sock
said 1 "a flush failed"
stop mirror
md_is b.img clean true
md_is b.img slots '".A"'
