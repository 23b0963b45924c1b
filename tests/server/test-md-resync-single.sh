#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Where there is just one copy nothing has to be compared: such a part is in
# sync at once, however large it is, and nothing of it is read.  What a missing
# member lacks it gets when it is back.

. "$(dirname "$0")/functions.sh"
requires_libnbd

# At this rate a resync of 1 GiB takes longer than any test waits.
slow="sync_max=1M"

# One disk that never had a partner.
for bitmap in internal none; do
  rm -f a.img
  disk 1G a.img
  "$NBDMIRROR" create --yes --bitmap=$bitmap a.img missing
  md_is a.img clean false
  serve_mirror a.img "$slow"
  hold_mirror
  wait_until md_is a.img clean true
  stop mirror
  said 0 "resync"
  test "$(stat -c %b a.img)" -lt 10000 || fail "it was written"
  rm -f mirror.messages
done

# raid10 with one member of a pair missing: the other pair is compared.
rm -f ./*.img
disk 16M a.img b.img c.img d.img
"$NBDMIRROR" create --yes --level=raid10 --chunk=64K a.img b.img c.img d.img
data=$(md_data a.img)
size=$((16 * 1048576 - data))
for name in a b c d; do
  noise "$size" |
    dd of=$name.img bs=64K oflag=seek_bytes seek="$data" conv=notrunc \
      status=none
done
cp a.img before.img
serve_mirror a.img c.img d.img
hold_mirror
wait_until md_is a.img clean true
stop mirror
cmp -i "$data" -n "$size" c.img d.img
cmp -i "$data" a.img before.img
cmp -s -i "$data" -n "$size" a.img b.img && fail "b was not there"

# And now it is.
rm -f mirror.messages
serve_mirror a.img b.img c.img d.img
hold_mirror
wait_until grep -q "b.img .*is rebuilt and in sync" mirror.messages
stop mirror
used=$(($(md_field a.img array size) / 2))
cmp -i "$data" -n "$used" a.img b.img
cmp -i "$data" a.img before.img
