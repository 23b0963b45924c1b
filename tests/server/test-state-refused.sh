#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A state file that cannot be believed, or that is of other disks, is refused in
# one line, and neither it nor a disk is written.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 8M a.img b.img c.img
serve_mirror a.img b.img state=state
python <<'END'
from nbdtest import *

connect().pwrite(b"x" * 4096, 0)
END
stop mirror
cp state good
sums ./*.img >before

# refused_state PATTERN ARGUMENT...: and the file is as it was.
refused_state ()
{
  cp state state.before
  refused "$@"
  cmp state state.before
  sums ./*.img | cmp - before
}

# put BYTES OFFSET: into the state file.
put ()
{
  printf "$1" | dd of=state bs=1 seek="$2" conv=notrunc status=none
}

# Both copies of the head are damaged; one is enough.
put X 100
serve_mirror a.img b.img state=state
stop mirror
cp good state
put X 100
put X $((65536 + 2000))
refused_state "state file $dir/state: is damaged: .*" a.img b.img state=state
printf '%1000s' foreign >state
refused_state "state file $dir/state: is no state file" a.img b.img state=state
: >state
refused_state "state file $dir/state: is no state file" a.img b.img state=state
head -c 500000 good >state
refused_state "state file $dir/state: is too short: it has 500000 bytes" \
  a.img b.img state=state

# Nobody's superblock can be believed.
cp good state
for area in 0 1; do
  put XX $((131072 + area * 262144 + 262144 - 8192 + 100))
done
refused_state "state file $dir/state: .*" a.img b.img state=state

# Of one disk: it is not trusted.
cp good state
put XX $((131072 + 262144 + 262144 - 8192 + 100))
serve_mirror a.img b.img state=state
said 1 "the array is DEGRADED"
stop mirror
cp good state

# Other disks; a disk of another size.
refused_state "state file $dir/state: does not know disk $dir/c.img: its disks \
are $dir/a.img, $dir/b.img; " a.img c.img state=state
truncate -s 9M b.img
sums ./*.img >before
refused_state "disk $dir/b.img: .*has 9437184 bytes.*8388608" \
  a.img b.img state=state
truncate -s 8M b.img
sums ./*.img >before

# In use.
serve_mirror a.img b.img state=state
refused_state "state file $dir/state: is in use by another server" a.img b.img state=state
stop mirror

# Nothing that can be a state file.
mkdir folder
refused "state file $dir/folder: " a.img b.img state=folder
refused "state file $dir/none/state: cannot be created: No such file" \
  a.img b.img state=none/state
mkfifo fifo
refused "state file $dir/fifo: is no regular file" a.img b.img state=fifo
refused "state file $dir/a.img: is no state file" a.img b.img state=a.img
refused "leave one of them out" a.img b.img state=new metadata=md

# An array that has its state on the disks.
md_array m.img n.img
refused "state=$dir/new: is for disks without metadata" m.img n.img state=new
# Nothing is left behind.
refused "pool=1 is too small" a.img b.img state=new pool=1
refused "disk $dir/nobody.img: does not exist" a.img nobody.img state=new
test "$(echo new*)" = "new*"
