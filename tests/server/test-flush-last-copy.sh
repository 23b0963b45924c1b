#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A flush that fails on both disks at once makes neither worse than the other:
# both stay, and no later flush succeeds, even if the legs say so, since what
# they lost is lost.  One line says so.  Of a disk that is alone, the same.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_libnbd

# failing_flush PATTERN: the mirror's flushes fail from the first failure on.
failing_flush ()
{
  python <<'END_OF_CLIENT'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
h.flush()
open("broken", "w").close()
fails(errno.EIO, h.flush)
os.unlink("broken")
for i in range(3):
    fails(errno.EIO, h.flush)
# Another client is not told otherwise.
fails(errno.EIO, connect().flush)
# It can still be copied away.
assert len(h.pread(4096, 0)) == 4096
END_OF_CLIENT
  said 1 "$1 stays in use although a flush failed on it: .* may be lost there"
  said 1 "every flush fails from now on"
  said 0 "LAST COPY"
}

broken='test ! -e "$(dirname "$image")/broken" ||
        { echo EIO broken >&2; exit 1; }'
disk 1M a.img b.img
serve_with_flush a "$broken"
serve_with_flush b "$broken"
serve_mirror "$(uri a)" "$(uri b)"
failing_flush "a.sock (slot 0), like 1 other,"
said 0 "OUT OF THE MIRROR"
said 0 "no acknowledged write is lost"
stop mirror || :
stop b
rm mirror.messages

# b is out when a's flush fails.
requires_filter error
serve b --filter=error file b.img error=EIO error-pwrite-rate=100%
serve_mirror "$(uri a)" "$(uri b)"
failing_flush "a.sock (slot 0)"
said_out b.sock
