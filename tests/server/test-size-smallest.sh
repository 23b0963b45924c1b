#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The smallest disk decides the size.  That others are larger is said when it
# matters, and what is beyond is not touched.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

# served PARAMETER...: prints the size, and says what it says to messages.
served ()
{
  { local -; set +x; } 2>/dev/null
  nbdkit_once "$MIRROR_SO" "$@" --run 'nbdinfo --size "$uri"' \
    2>messages
  sed -i '/mirror: \(serving\|this nbdkit\)/d' messages
  cat messages >&2
}

random_disk 5M a.img
head -c 4M a.img >b.img
cp a.img before
test "$(served a.img b.img)" = $((4 * 1024 * 1024))
test "$(wc -l <messages)" = 1
grep "the smallest, $dir/b.img (4194304 bytes), decides; $dir/a.img" messages
random_disk 4M data
nbdkit_once "$MIRROR_SO" a.img b.img --run 'nbdcopy --flush data "$uri"'
cmp -n 4M data a.img
cmp data b.img
cmp -i 4M a.img before

# Less than 4 KiB is not worth a word.
disk 1000000 a.img
disk 999900 b.img
test "$(served a.img b.img)" = 999900
test ! -s messages

# raid10: whole chunks only, 15 on each disk, so 22 in two copies.
rm ./*.img
disk 1000K a.img b.img c.img
test "$(served a.img b.img c.img level=raid10 chunk=64K)" \
  = $((22 * 64 * 1024))
test "$(wc -l <messages)" = 1
grep "disk $dir/a.img: the last 40960 of its 1024000 bytes are not used" messages
