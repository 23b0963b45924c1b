#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk that the kernel lets us open for writing, and refuses to write, makes
# the whole mirror read-only like any other read-only disk.  One line says which
# disk it is, and why.

. "$(dirname "$0")/functions.sh"
requires_libnbd

random_disk 1M a.img b.img
disk 8M c.img d.img

# reads DISK REASON: a mirror of a.img and DISK can only be read.
reads ()
{
  local before
  before=$(sums a.img b.img)
  : >mirror.messages
  serve_mirror a.img "$1"
  python <<'END'
from nbdtest import *

h = connect(strict=False)
assert h.is_read_only()
assert h.pread(MiB, 0) == open("a.img", "rb").read()
for call, argument in (h.pwrite, b"x" * 512), (h.zero, 512), (h.trim, 512):
    fails(errno.EPERM, call, argument, 0)
h.flush()
END
  said 1 "is read-only"
  said 1 "nbdkit: mirror: disk $1: is read-only ($2), so the whole array is"
  said 0 "nbdkit: error: "
  stop mirror
  test "$(sums a.img b.img)" = "$before"
}

# Read-only from the beginning, and made so; also with O_DIRECT's flags.
if loop_device b.img --read-only; then
  reads "$loop" "its device is set read-only"
  loop_release
  loop_device b.img
  blockdev --setro "$loop"
  reads "$loop" "its device is set read-only"
  blockdev --setrw "$loop"
  # It is asked anew at each start.
  : >mirror.messages
  serve_mirror a.img "$loop"
  python <<'END'
from nbdtest import *

h = connect()
assert not h.is_read_only()
h.pwrite(b"1" * MiB, 0)
h.flush()
END
  stop mirror
  said 0 "is read-only"
  cmp a.img "$loop"

  # Of an md array, too; and the tool says what the server does.
  md_array c.img d.img
  loop_device d.img --read-only
  before=$(sums c.img d.img)
  : >mirror.messages
  serve_mirror c.img "$loop"
  python <<'END'
from nbdtest import *

assert connect(strict=False).is_read_only()
END
  said 1 "disk $loop: is read-only (its device is set read-only)"
  stop mirror
  "$NBDMIRROR" assemble --dry-run c.img "$loop" >verdict || :
  cat verdict
  grep -q "may only be read" verdict
  "$NBDMIRROR" erase --yes "$loop" 2>verdict && fail "erased"
  grep "$loop.*is read-only: its device is set read-only" verdict
  test "$(sums c.img d.img)" = "$before"
fi

# Memory that is sealed.
rm -f sealed
"$PYTHON" - <<'END' &
import fcntl, os, sys, time
fd = os.memfd_create("disk", os.MFD_ALLOW_SEALING)
os.write(fd, open("a.img", "rb").read())
fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
with open("sealed.new", "w") as f:
    f.write("/proc/%d/fd/%d" % (os.getpid(), fd))
os.rename("sealed.new", "sealed")
time.sleep(600)
END
holder=$!
wait_until test -e sealed
reads "$(cat sealed)" "the file is sealed against writing"
kill "$holder"

# What not even root may write.
if chattr +i b.img 2>/dev/null; then
  cp a.img copy.img
  chattr +i copy.img
  reads "$dir/copy.img" "the file is immutable"
  chattr -i copy.img b.img
  chattr +a copy.img
  reads "$dir/copy.img" "the file can only be appended to"
  chattr -a copy.img
fi

# A server says it.
serve b -r file a.img
reads "$(uri b)" "its server says so"
