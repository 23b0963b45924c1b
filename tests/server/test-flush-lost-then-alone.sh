#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A flush failed on both disks, which stay.  Then one of them leaves, for
# another reason: what the other one has lost is not forgotten with it, and
# nobody is told that no acknowledged write is lost.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_libnbd

script='test ! -e "$(dirname "$image")/broken" ||
        { echo EINVAL invalid >&2; exit 1; }'
for leaver in a b; do
  disk 1M a.img b.img
  for leg in a b; do
    image="$dir/$leg.img" serve $leg eval get_size='stat -c %s "$image"' \
      can_write='exit 0' can_flush='exit 0' flush="$script" \
      pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
      pwrite='test ! -e "$image.broken" || { echo EIO broken >&2; exit 1; }
              dd of="$image" oflag=seek_bytes conv=notrunc seek=$4'
  done
  serve_mirror "$(uri a)" "$(uri b)"
  python $leaver <<'END_OF_CLIENT'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
open("broken", "w").close()
fails(errno.EIO, h.flush)
os.unlink("broken")
open(sys.argv[1] + ".img.broken", "w").close()
h.pwrite(b"2" * 4096, 0)
fails(errno.EIO, h.flush)
fails(errno.EIO, h.flush)
END_OF_CLIENT
  said_out $leaver.sock
  said 0 "no acknowledged write is lost"
  said 1 "OUT OF THE MIRROR.*acknowledged writes may be lost"
  stop mirror || :
  stop a
  stop b
  rm mirror.messages ./*.img ./*.broken
done
