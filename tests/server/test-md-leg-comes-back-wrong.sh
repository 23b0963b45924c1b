#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What answers where a lost member of an md array was is looked at before
# anything is written to it.  An empty disk, a member of another array, another
# member of this one, a smaller disk and one that can only be read, or not
# flush, stay out, each with an event, and are as they were; the right one is let
# in when it comes after them.  An older copy of it gets everything, unless the
# bitmap reaches back to it.

. "$(dirname "$0")/functions.sh"
requires_libnbd

is_said ()
{
  grep -q "b.sock .*$1" mirror.messages
}

# lose: the member is gone, and misses something.
lose ()
{
  : >mirror.messages
  kill_server b
  wait_until is_said "IS OUT OF THE MIRROR"
  python <<'END'
from nbdtest import *

h = connect()
h.pwrite(random.randbytes(64 * KiB), random.randrange(4) * MiB)
h.flush()
h.shutdown()
END
}

# comes_back FILE: the right one, and "$1" is said.
comes_back ()
{
  serve b file "$1"
  wait_until is_said "is rebuilt and in sync"
}

# stays_out REASON FILE NBDKIT-ARGUMENT...: then the right one comes.
stays_out ()
{
  local reason=$1 file=$2 before
  before=$(sums "$file")
  lose
  serve b "${@:3}"
  wait_until is_said "answers again but STAYS OUT: .*$reason"
  # Not once more, however often it is tried.
  kill_server b
  test "$(sums "$file")" = "$before" || fail "$file was written to"
  comes_back b.img
  said 1 "STAYS OUT"
}

md_array --bitmap-chunk=64K a.img b.img
md_array --bitmap-chunk=64K x.img y.img
disk 8M empty.img
serve b file b.img
serve_mirror a.img "$(uri b)" reconnect=1 timeout=20


stays_out "has no metadata now" empty.img file empty.img
stays_out "of another array" y.img file y.img
cp a.img copy-of-a.img
stays_out "is another disk than before" copy-of-a.img file copy-of-a.img
head -c 4M b.img >small.img
stays_out "beyond sector 8192" small.img file small.img
stays_out "can only be read" b.img -r file b.img
stays_out "could flush before and cannot now" b.img eval \
  get_size='stat -c %s b.img' can_write='exit 0' \
  pread="dd if=$dir/b.img iflag=skip_bytes,count_bytes skip=\$4 count=\$3" \
  pwrite="dd of=$dir/b.img oflag=seek_bytes conv=notrunc seek=\$4"
stop mirror
stop b
cmp -i "$(md_data a.img)" a.img b.img

# An older copy, which the bitmap reaches back to; and once no bit is set for
# what it misses one that it does not.
is_swept ()
{
  md_is a.img bitmap dirty 0
}

cp b.img old.img
cp b.img older.img
serve b file b.img
serve_mirror a.img "$(uri b)" reconnect=1 timeout=20
lose
comes_back old.img
said 1 "answers again.*what it missed is copied to it"
wait_until is_swept
lose
comes_back older.img
said 1 "answers again.*all data is copied to it"
stop mirror
cmp -i "$(md_data a.img)" a.img older.img
