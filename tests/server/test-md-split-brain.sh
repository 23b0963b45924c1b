#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two members that were each written to without the other: the mirror refuses
# to choose, says what to do, and does what is then asked for: the disk that
# is named is kept, the other becomes a copy of it.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_libnbd

# alone DISK DATA: what differs from "common" is written to this disk alone.
alone ()
{
  serve_mirror "$1"
  python "$2" <<'END'
from nbdtest import *

h = connect()
with open("common", "rb") as common, open(sys.argv[1], "rb") as data:
    for at in range(0, 7 * MiB, 64 * KiB):
        old, new = common.read(64 * KiB), data.read(64 * KiB)
        if old != new:
            h.pwrite(new, at)
END
  stop mirror
}

# shellcheck disable=SC2046
for keep in 0 1; do
  for bitmap in internal none; do
    rm -f ./*.img
    md_array a.img b.img --bitmap=$bitmap \
      $(test $bitmap = none || echo --bitmap-chunk=64K)
    random_disk 7M common
    serve_mirror a.img b.img
    client nbdcopy --flush common "$(uri mirror)"
    stop mirror
    for data in data0 data1; do
      cp common $data
      noise 1M |
        dd of=$data bs=64K seek=7 conv=notrunc status=none
    done
    noise 64K |
      dd of=data1 bs=64K seek=90 conv=notrunc status=none
    alone a.img data0
    alone b.img data1

    before=$(sums a.img b.img)
    refused "disk $dir/[ab].img: .*split brain.*on-split-brain=leg:N" \
      a.img b.img
    refused "split brain" b.img a.img
    refused "split brain" -r a.img b.img
    test "$(sums a.img b.img)" = "$before"

    rm mirror.messages
    serve_mirror a.img b.img on-split-brain=leg:$keep
    client nbdcopy "$(uri mirror)" out
    cmp out data$keep
    wait_until grep "is rebuilt and in sync" mirror.messages
    stop mirror
    for disk in a.img b.img; do
      cmp -n 7340032 data$keep $disk 0 "$(md_data $disk)"
    done
    # Asked for once more, or not at all: it is over.
    serve_mirror a.img b.img
    client nbdinfo "$(uri mirror)" | grep "2 of 2 disks in sync"
    stop mirror
  done
done
