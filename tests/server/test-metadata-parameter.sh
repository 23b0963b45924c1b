#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# metadata=: auto follows the disks, md never makes a plain array, none always
# does, and says what it ignores.

. "$(dirname "$0")/functions.sh"
requires_libnbd

refused "metadata=yes: use auto .*, md .* or none" a.img b.img metadata=yes

disk 8M plain1.img plain2.img
before=$(sums plain?.img)
refused "plain1.img: has no md superblock, and metadata=md asks" \
  plain1.img plain2.img metadata=md
refused "plain1.img: has no md superblock, and metadata=md asks" \
  plain1.img gone.img metadata=md degraded=yes
refused "gone.img: does not exist" gone.img lost.img metadata=md degraded=yes
"$NBDMIRROR" assemble --dry-run --metadata=md plain?.img >told || test $? != 0
grep "=> would not start: plain1.img: has no md superblock, and metadata=md" told
test "$(sums plain?.img)" = "$before"
nbdkit_once "$MIRROR_SO" plain?.img metadata=auto --run true
rm -f words.sock
timeout -k 5 60 nbdkit -U words.sock "$MIRROR_SO" plain?.img metadata=none --run true 2>words
! grep -E 'error|metadata=none|disk .* (is|has|holds) ' words ||
  fail "that was said"

for version in 1.0 1.1 1.2; do
  rm -f [ab].img mirror.messages
  md_array a.img b.img -e $version
  for metadata in auto md; do
    serve_mirror a.img b.img metadata=$metadata
    test "$(nbdinfo --size "$(uri mirror)")" -lt $((8 * 1024 * 1024))
    stop mirror
  done
  refused "b.img|plain1.img" a.img plain1.img metadata=md

  # All of each disk, the superblocks too, and one line about it.
  rm mirror.messages
  before=$(sums a.img b.img)
  serve_mirror a.img b.img metadata=none
  test "$(nbdinfo --size "$(uri mirror)")" = $((8 * 1024 * 1024))
  stop mirror
  said 1 "metadata=none: .* although disk .*a.img carries an md superblock of version $version"
  test "$(sums a.img b.img)" = "$before"
  refused "at least two disks, and only one was" a.img metadata=none
  "$NBDMIRROR" assemble --dry-run --metadata=none a.img b.img >told
  grep "=> plain array: .*although disk a.img carries an md superblock" told
done

# With md, missing disks are waited for even if nothing can be opened yet.
rm -f [ab].img mirror.*
md_array a.img b.img
nbdkit -f -P mirror.pid -U mirror.sock "$MIRROR_SO" "$(uri a)" "$(uri b)" \
  metadata=md degraded=wait:600 2>mirror.messages &
server[mirror]=$!
wait_until grep -q "waiting up to 600 s" mirror.messages
serve a file a.img
serve b file b.img
wait_until is_up mirror
stop mirror
said 0 DEGRADED
