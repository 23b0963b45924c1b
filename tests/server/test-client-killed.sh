#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Clients that are killed with many requests under way do not end the server,
# and leave the disks alike.  nbdkit before 1.34 has a fault here, which needs
# two workers on one connection: there it is run as the manual says.

. "$(dirname "$0")/functions.sh"
requires_libnbd

# Writes and reads, more than the socket holds, and death.
kill_client ()
{
  python <<'END'
from nbdtest import *

h = connect()
buffer = nbd.Buffer.from_bytearray(bytearray(random.randbytes(64 * KiB)))
into = [nbd.Buffer(64 * KiB) for i in range(64)]
flying = [h.aio_pwrite(buffer, i * 64 * KiB) for i in range(8)]
flying += [h.aio_pread(into[i], i * 64 * KiB) for i in range(64)]
while not any(map(h.aio_command_completed, flying)):
    h.poll(-1)
os.kill(os.getpid(), signal.SIGKILL)
END
}

kill_clients ()
{
  local i status
  for ((i = 0; i < 30; i++)); do
    status=0
    kill_client || status=$?
    test "$status" = 137 || fail "the client ended with $status"
  done
}

# with OPTION...: of nbdkit.
with ()
{
  serve mirror "$@" "$MIRROR_SO" a.img b.img
  kill_clients
  python <<<'from nbdtest import *; connect().pread(512, 0)'
  stop mirror
  cmp a.img b.img
}

disk 4M a.img b.img
with -t 1

nbdkit_since 34 || exit 0
with
