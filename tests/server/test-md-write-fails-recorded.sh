#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk fails a write of data: when the client has its reply, the superblock
# of the other says that it is out.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_libnbd

# The member that fails is the first, or the second.
for names in "a b" "b a"; do
  read -r bad good <<<"$names"
  rm -f a.img b.img mirror.messages broken
  md_array a.img b.img
  broken="$dir/broken" data=$(md_data $bad.img) image="$dir/$bad.img" \
  serve "$bad" eval \
    get_size='stat -c %s "$image"' can_write='exit 0' can_flush='exit 0' \
    pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
    pwrite='
      if test -e "$broken" && test $4 -ge $data; then
        echo EIO broken >&2
        exit 1
      fi
      dd of="$image" oflag=seek_bytes conv=notrunc seek=$4'
  serve_mirror "$(uri "$bad")" $good.img
  python $bad $good <<'END'
from nbdtest import *
from mdtest import examine

bad, good = sys.argv[1:]
h = connect()
h.pwrite(b"1" * 4096, 0)
assert examine(good + ".img")["slots"] == "AA"
open("broken", "w").close()
h.pwrite(b"2" * 4096, 8192)
# The first thing after the reply.
seen = examine(good + ".img")
assert seen["slots"] == ("A." if bad == "b" else ".A"), seen
assert seen["events"] > examine(bad + ".img")["events"] + 1
assert h.pread(4096, 8192) == b"2" * 4096
h.flush()
END
  said_out $bad.sock
  said 1 "a write failed"
  kill_server mirror
  stop "$bad"

  # Whoever starts it now knows which of them is good.
  serve_mirror a.img b.img
  python <<'END'
from nbdtest import *

h = connect()
for i in range(100):
    assert h.pread(4096, 8192) == b"2" * 4096
END
  wait_until grep "$bad.img .*is rebuilt and in sync" mirror.messages
  stop mirror
  cmp -n 7340032 -i "$(md_data a.img)" a.img b.img
done
