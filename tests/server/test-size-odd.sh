#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An image whose size is no multiple of a sector is served to its last byte,
# and every request works there at any offset.  Where that cannot be, the
# number of bytes that are left out is said, and of which disk.

. "$(dirname "$0")/functions.sh"
requires qemu-img nbdcopy
requires_libnbd
requires_filter blocksize-policy
size=1000500

# same FILE...: the first $size bytes of each are those of data.
same ()
{
  local file
  for file; do
    cmp -n "$size" data "$file"
  done
}

# Copies of an image: in, out, and compared.
random_disk "$size" image copy.img
noise "$size" >data
# A server that knows no block sizes, and a disk that is larger.
disk 2M large.img
serve remote file large.img
serve_mirror image copy.img "$(uri remote)"
test "$(client nbdinfo --size "$(uri mirror)")" = "$size"
client nbdcopy --flush data "$(uri mirror)"
client nbdcopy "$(uri mirror)" out
same image copy.img large.img out
test "$(stat -c %s image copy.img out | uniq)" = "$size"
# qemu-img counts in sectors, and fills the last one with zeroes.
client qemu-img convert -f raw -O raw "$(uri mirror)" out
same out
said 0 "not used.*blocks"

# Every kind of request, at any byte, most of them at the end.
cat >bytes.py <<'END'
from nbdtest import *

size = 1000500
h = connect()
assert h.get_block_size(nbd.SIZE_MINIMUM) == 1
model = bytearray(h.pread(size, 0))
for step in range(600):
    length = random.choice([1, 2, 51, 52, 53, 511, 513, 4097, 70001])
    end = size - random.choice([0, 0, 1, 51, 52, 100, 3000, 500000])
    at = end - length
    kind = random.randrange(5)
    flags = nbd.CMD_FLAG_FUA if random.randrange(8) == 0 else 0
    if kind == 0:
        data = random.randbytes(length)
        h.pwrite(data, at, flags)
        model[at:end] = data
    elif kind == 1:
        h.zero(length, at, flags | random.choice([0, nbd.CMD_FLAG_NO_HOLE]))
        model[at:end] = bytes(length)
    elif kind == 2:
        # Only advice: all of it, or nothing.
        h.trim(length, at, flags)
        assert h.pread(length, at) in (bytes(length), model[at:end])
        model[at:end] = h.pread(length, at)
    elif kind == 3:
        assert h.pread(length, at) == model[at:end]
    elif h.can_meta_context("base:allocation"):
        for where, count, bits in extents(h, length, at):
            assert at <= where and 0 < count
            if bits & nbd.STATE_ZERO:
                count = min(count, end - where)
                assert model[where:where + count] == bytes(count)
assert h.pread(size, 0) == model
fails(errno.EINVAL, connect(strict=False).pread, 1, size)
h.flush()
open("data", "wb").write(model)
END
python <bytes.py
stop mirror
same image copy.img large.img
test "$(stat -c %s image copy.img large.img | xargs)" = "$size $size 2097152"

# A block device among them takes any byte, too.
if loop_device large.img; then
  serve_mirror image "$loop"
  python <bytes.py
  stop mirror
  cmp -n "$size" image "$loop"
fi

# Blocks of a disk that has no smaller ones: said, with the disks.
random_disk "$size" a.img b.img
serve blocks --filter=blocksize-policy file b.img blocksize-minimum=4096 \
  blocksize-preferred=4096 blocksize-maximum=64K blocksize-error-policy=error
: >mirror.messages
serve_mirror a.img "$(uri blocks)"
test "$(client nbdinfo --size "$(uri mirror)")" = $((size / 4096 * 4096))
said 1 "disk $dir/a.img: the last $((size % 4096)) of its $size bytes are not used"
said 1 "disk nbd[^ ]*blocks.sock: is read and written in blocks of 4096 bytes"
stop mirror

# O_DIRECT has blocks of the disk's size.
: >mirror.messages
if (requires_direct) >/dev/null; then
  serve_mirror a.img b.img cache=none
  block=$(client nbdinfo --json "$(uri mirror)" | "$PYTHON" -c '
import json, sys
print(json.load(sys.stdin)["exports"][0]["block_size_minimum"])')
  said 1 "disk $dir/a.img: the last $((size % block)) of its $size bytes"
  said 1 "disk $dir/a.img: is read and written in blocks of $block bytes"
  stop mirror
fi

# Whole chunks only; what larger disks have besides is another matter.
disk $((20 * 65536 + 7)) a.img
disk $((25 * 65536)) b.img
: >mirror.messages
serve_mirror a.img b.img level=raid10 chunk=64K
said 1 "disk $dir/a.img: the last 7 of its 1310727 bytes are not used.*chunks"
said 1 "are not used"
stop mirror
disk $((20 * 65536)) a.img b.img
: >mirror.messages
serve_mirror a.img b.img level=raid10 chunk=64K
said 0 "are not used"
