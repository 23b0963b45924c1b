#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server of the last copy of an md array says that it stops, which people are
# told, and waits for us; later it ends.  The disk is sought and used again all
# the same.

. "$(dirname "$0")/functions.sh"
requires_libnbd

is_said ()
{
  grep -q "$1" mirror.messages
}

md_array --bitmap-chunk=64K a.img b.img
serve b file b.img
serve_mirror "$(uri b)" degraded=yes reconnect=1 timeout=20
b_pid=${server[b]} python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 64 * KiB, 1 * MiB)
h.flush()
os.kill(int(os.environ["b_pid"]), signal.SIGTERM)
while True:
    try:
        h.pread(64 * KiB, 1 * MiB)
    except nbd.Error as e:
        assert e.errnum in (errno.EIO, errno.ESHUTDOWN), e
        break
END
said 1 "holds the LAST COPY"
# Who tries now finds that it has its connection still.
sleep 2
kill_server b
serve b file b.img
wait_until is_said "holds the last copy of some data, answers again"
python <<'END'
from nbdtest import *

assert connect().pread(64 * KiB, 1 * MiB) == b"1" * 64 * KiB
END
stop mirror || :
