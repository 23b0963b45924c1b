#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# While a write is under way one leg has it and the other does not yet: who
# has read the new data once never reads the old again, on any connection.

. "$(dirname "$0")/functions.sh"
requires_filter delay
requires_libnbd

disk 64K a.img b.img
serve a file a.img
serve b --filter=delay file b.img wdelay=5ms
serve_mirror "$(uri a)" "$(uri b)"
python <<'END'
from nbdtest import *

writer = connect()
clients = [connect() for i in range(4)]
seen = 0                # the newest that any read has returned
reads = []              # under way: client, cookie, buffer, seen before

def begin(h):
    buffer = nbd.Buffer(4096)
    reads.append((h, h.aio_pread(buffer, 0), buffer, seen))

# Many at once, so that both legs are read.
for h in clients * 4:
    begin(h)
for n in range(1, 61):
    write = aio_pwrite(writer, n.to_bytes(8, "big") * 512, 0)
    while not writer.aio_command_completed(write):
        writer.poll(1)
        for h in clients:
            h.poll(0)
        for read in list(reads):
            h, cookie, buffer, before = read
            if not h.aio_command_completed(cookie):
                continue
            data = buffer.to_bytearray()
            # A disk may be read while it stores half of a write: what is the
            # oldest in it?
            now = min(int.from_bytes(data[at:at + 8], "big")
                      for at in range(0, len(data), 8))
            assert now >= before, "%d after %d" % (now, before)
            seen = max(seen, now)
            reads.remove(read)
            begin(h)
    seen = n
END
