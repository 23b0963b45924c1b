#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= the start looks at each disk: one that was exchanged, emptied,
# restored from an older copy or written by other means is refused in one line,
# and neither a disk nor the state file is written.  Disks that are alike may
# change places; one that moved is found by a link with its old name.

. "$(dirname "$0")/functions.sh"
requires_libnbd

# refused_as_is PATTERN: with a.img, b.img and state.
refused_as_is ()
{
  sums state ./*.img >before
  refused "$1" a.img b.img state=state
  sums state ./*.img | cmp - before
}

# put BYTE...: 4 KiB of it at so many MiB as its place in the list.
put ()
{
  python "$@" <<'END'
from nbdtest import *
h = connect()
for at, byte in enumerate(sys.argv[1:]):
    h.pwrite(byte.encode() * 4096, at * MiB + 300 * KiB)
h.flush()
END
}

serves ()
{
  rm -f mirror.messages
  serve_mirror a.img b.img state=state
  said 0 .
  stop mirror
}

# All disks hold the same, or there is no file.
random_disk 24M a.img b.img
noise 24M >other.img
refused "disk $dir/a.img and disk $dir/other.img differ .*nothing was written" \
  a.img other.img state=new
test "$(echo new*)" = "new*"

# Nothing but the file tells what they held before anybody wrote.
serve_mirror a.img b.img state=state
put x
stop mirror
cp b.img older.img
serve_mirror a.img b.img state=state
put 1 2 3
stop mirror
cp b.img good.img

# It ran, so each of these was something else before.
cp other.img b.img
refused_as_is "state file $dir/state: disk $dir/b.img is not as it was left"
truncate -s 0 b.img
truncate -s 24M b.img
refused_as_is "state file $dir/state: disk $dir/b.img is not as it was left"
cp older.img b.img
refused_as_is "state file $dir/state: disk $dir/b.img is not as it was left"
cp good.img b.img
printf x | dd of=b.img bs=1 seek=5000 conv=notrunc status=none
refused_as_is "disk $dir/a.img and disk $dir/b.img differ .*at byte 5000 "
cp good.img b.img
serves

# They changed places, and it does not matter.
mv a.img c.img
mv b.img a.img
mv c.img b.img
serves

# It moved.
mkdir far
mv b.img far/b.img
refused "does not know disk $dir/far/b.img: .*link" a.img far/b.img state=state
ln -s far/b.img b.img
serves
rm b.img
mv far/b.img b.img

# One is out: then it matters.
serve_mirror control="$dir/control" a.img b.img state=state
controlled mirror
client "$NBDMIRROR" fail --yes "$dir/control" b.img
put 4 5 6 7 8 9 10
stop mirror
! cmp -s a.img b.img
mv a.img c.img
mv b.img a.img
mv c.img b.img
refused_as_is "state file $dir/state: disk $dir/a.img is not as it was left"
mv a.img c.img
mv b.img a.img
mv c.img b.img
serve_mirror a.img b.img state=state
python <<<'from nbdtest import *; connect().pread(1, 0)'
wait_until grep "disk .*b.img .*is rebuilt and in sync" mirror.messages
stop mirror
cmp a.img b.img

# What was there before a rebuild is known after it, too.
rm -f state ./*.img mirror.messages
disk 24M a.img b.img
serve_mirror a.img b.img state=state control="$dir/control"
controlled mirror
put 1 2 3
client "$NBDMIRROR" fail --yes "$dir/control" 1
stop mirror
serve_mirror a.img b.img state=state
python <<'END'
from nbdtest import *
connect().shutdown()
END
wait_until grep "b.img .*is rebuilt and in sync" mirror.messages
stop mirror
truncate -s 0 a.img
truncate -s 24M a.img
refused_as_is "state file $dir/state: disk $dir/a.img is not as it was left"
refused "state file $dir/state: disk $dir/a.img is not as it was left" \
  a.img state=state degraded=yes
