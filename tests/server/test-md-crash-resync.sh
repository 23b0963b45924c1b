#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The mirror is killed: the members say that they are dirty, with bits set for
# what was being written, and the next start brings these regions together, from
# the first member, and no others.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
requires_plugin eval
requires_libnbd

md_array a.img b.img --bitmap-chunk=64K
random_disk 7M data
serve_mirror a.img b.img
client nbdcopy --flush data "$(uri mirror)"
stop mirror
md_is a.img bitmap dirty 0

# b does not answer to writes of data while the file "stuck" is there.
data=$(md_data a.img)
data=$data image="$dir/b.img" stuck="$dir/stuck" serve b eval \
  get_size='stat -c %s "$image"' can_write='exit 0' can_flush='exit 0' \
  pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
  pwrite='
    if test -e "$stuck" && test $4 -ge $data; then
      touch "$stuck.reached"
      while test -e "$stuck"; do sleep 0.05; done
      exit 1
    fi
    dd of="$image" oflag=seek_bytes conv=notrunc seek=$4'
serve_mirror a.img "$(uri b)"
touch stuck
python <<'END' &
from nbdtest import *

h = connect()
write = aio_pwrite(h, b"new!" * 1024, 2 * MiB + 4096)
while not os.path.exists("stuck.reached"):
    h.poll(20)
open("sent", "w").close()
while not h.aio_is_closed() and not h.aio_is_dead():
    h.poll(-1)
END
client=$!
wait_until test -e sent
# It is on a, which has its data written in place.
is_written ()
{
  test "$(dd if=a.img bs=4 count=1 iflag=skip_bytes status=none \
    skip=$((data + 2097152 + 4096)))" = "new!"
}
wait_until is_written
kill_server mirror
rm stuck
wait $client || :
stop b

for disk in a.img b.img; do
  md_is $disk clean false
  md_is $disk bitmap dirty 1
done
# In a region that is dirty, and in one that is not.
for at in $((2 * 1024 * 1024 + 9000)) $((3 * 1024 * 1024)); do
  printf junk | dd of=b.img bs=1 seek=$((data + at)) conv=notrunc status=none
done

serve_mirror a.img b.img
client nbdinfo "$(uri mirror)"
for disk in a.img b.img; do
  wait_until md_is $disk clean true
done
stop mirror
python "$data" <<'END'
from mdtest import *
import sys

at = int(sys.argv[1])
a, b = (read(disk, at, 7 << 20) for disk in ("a.img", "b.img"))
clean = 3 << 20
assert a[(2 << 20) + 4096:][:4096] == b"new!" * 1024
assert b[clean:clean + 4] == b"junk"
assert a[:clean] == b[:clean] and a[clean + 4:] == b[clean + 4:]
with open("data", "rb") as stream:
    data = bytearray(stream.read())
data[(2 << 20) + 4096:(2 << 20) + 8192] = b"new!" * 1024
assert a == data
END
md_is a.img bitmap dirty 0
