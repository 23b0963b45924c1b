#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A local disk hangs with a request of a client inside that is no plain write:
# zero, through the page cache or with O_DIRECT, where it is not queued as writes
# are; or a write of more pieces than are queued at once.  When the disk is failed
# the other one gets all of it, and whoever writes there goes on.  Only that
# request gets no answer before the kernel has one.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_holes
hangable

# hang_inside zero|write DISK PARAMETER...: DISK is a or b.
hang_inside ()
{
  rm -f -- *.img*
  disk 8M a.img b.img
  serve_hangable a.img b.img "${@:3}"
  python "$1" "$2" <<'END'
from control import *
from nbdtest import *

MIB = 1 << 20
control = Control("control")
stuck, other = connect(), connect()
other.pwrite(b"1" * MIB, MIB)
disk = sys.argv[2] + ".img"
open(disk + ".hangs", "w").close()
if sys.argv[1] == "zero":
    inside, byte = stuck.aio_zero(MIB, MIB), b"\0"
else:
    inside, byte = aio_pwrite(stuck, b"2" * MIB, MIB), b"2"
while not os.path.exists(disk + ".calls"):
    stuck.poll(20)

control.ask("fail", member="ab".index(sys.argv[2]) + 1)
expect("read", other.pread(MIB, MIB), byte * MIB)
other.pwrite(b"3" * 4096, MIB)
other.flush()
assert not stuck.aio_command_completed(inside)
os.unlink(disk + ".hangs")
finish(stuck, inside)
expect("data", other.pread(MIB, MIB), b"3" * 4096 + byte * (MIB - 4096))
END
  stop mirror
}

hang_inside zero a
(requires_direct) || exit 0
hang_inside zero a cache=none
for disk in a b; do
  hang_inside write $disk cache=none level=raid10 layout=f2 chunk=4096
done
