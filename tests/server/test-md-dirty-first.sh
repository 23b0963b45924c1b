#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Before the first byte of data reaches any member, all of them say durably
# that the array is dirty, and which region may differ; a region that is new
# is on record on all of them before it is written to.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_filter log
requires_libnbd

md_array a.img b.img --bitmap-chunk=64K
serve_mirror a.img b.img
python <<'END'
from nbdtest import *
connect().pwrite(b"x", 0)
END
stop mirror
md_is a.img bitmap dirty 0

# Each leg notes, before it writes data, what both members say.
data=$(md_data a.img)
bitmap=$((4096 + 512 * $(md_field a.img bitmap offset_sectors)))
for leg in a b; do
  # shellcheck disable=SC2097,SC2098
  data=$data image="$dir/$leg.img" members="$dir/a.img $dir/b.img" \
  seen="$dir/$leg.seen" bitmap=$bitmap serve $leg --filter=log eval logfile=$leg.log \
    get_size='stat -c %s "$image"' can_write='exit 0' can_flush='exit 0' \
    can_fua='echo native' flush='sync "$image"' \
    pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
    pwrite='
      if test $4 -ge $data; then
        "$NBDMIRROR" --json examine $members >"$seen.$4"
        for member in $members; do
          dd if=$member iflag=skip_bytes skip=$bitmap bs=4096 count=1
        done >"$seen.$4.bitmaps"
      fi
      dd of="$image" oflag=seek_bytes conv=notrunc seek=$4'
done
serve_mirror "$(uri a)" "$(uri b)"
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 1 * MiB)
h.pwrite(b"2" * 4096, 3 * MiB)
END
stop mirror

python "$data" <<'END'
from mdtest import *
import re
import sys

data = int(sys.argv[1])
for leg in "a", "b":
    for at in 1 << 20, 3 << 20:
        with open(f"{leg}.seen.{data + at}") as stream:
            seen = json.load(stream)["members"]
        assert len(seen) == 2
        for member in seen:
            assert member["clean"] is False, (leg, at, member)
        bit = at >> 16
        for member in 0, 1:
            bits = read(f"{leg}.seen.{data + at}.bitmaps", member * 4096, 4096)
            assert bits[:4] == b"bitm"
            assert bits[256 + bit // 8] & 1 << bit % 8, (leg, at, member)
    # All that comes before the first data, with FUA.
    with open(leg + ".log") as stream:
        writes = re.findall(r" Write .*offset=(0x\w+) .*fua=(\d)",
                            stream.read())
    first = [int(at, 16) >= data for at, fua in writes].index(True)
    assert first >= 2, writes
    assert all(fua == "1" for at, fua in writes[:first]), writes
END
