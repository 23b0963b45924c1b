#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg whose server knows no flush keeps nothing back: flush and FUA succeed
# and reach the leg that does.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_filter log
requires_libnbd

disk 1M a.img b.img
image=$dir/a.img serve a eval get_size='stat -c %s "$image"' \
  can_write='exit 0' can_flush='exit 3' \
  pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
  pwrite='dd of="$image" oflag=seek_bytes conv=notrunc seek=$4'
serve b --filter=log file b.img logfile=b.log
serve_mirror "$(uri a)" "$(uri b)"
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
h.flush()
assert " Flush id=" in open("b.log").read()
h.pwrite(b"2" * 4096, 4096, nbd.CMD_FLAG_FUA)
END
said 0 "OUT OF THE MIRROR"
cmp a.img b.img
