#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server of a disk ends while nobody reads or writes: the disk is out at
# once.  With and without a client; the last copy stays; once the mirror stops
# it is no news.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 1M a.img b.img
gone='IS OUT OF THE MIRROR: it is gone: Transport endpoint is not connected'

# said_gone NAME
said_gone ()
{
  grep -q "$1.sock (slot [01]) $gone" mirror.messages
}

serve a file a.img
serve b file b.img
serve_mirror "$(uri a)" "$(uri b)"
kill_server b
wait_until said_gone b
said_out b.sock
# The other one is all there is now.
kill_server a
wait_until grep -q "a.sock (slot 0) holds the LAST COPY .* it is gone" \
  mirror.messages
said_out b.sock
kill_server mirror      # a flush cannot succeed

# With a client, which sees nothing of it.
rm -f mirror.messages
serve b file b.img
serve_mirror a.img "$(uri b)"
export b_pid=${server[b]}
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
os.kill(int(os.environ["b_pid"]), signal.SIGKILL)
while "IS OUT" not in open("mirror.messages").read():
    time.sleep(0.02)
h.pwrite(b"2" * 4096, 0)
h.flush()
assert h.pread(4096, 0) == b"2" * 4096
END
killed b
said_out b.sock
said_gone b
stop mirror
said_out b.sock

# Two that share the data of raid10, and one that does not.
rm -f mirror.messages
for name in a b c d; do
  disk 1M $name.img
  serve $name file $name.img
done
serve_mirror level=raid10 "$(uri a)" "$(uri b)" "$(uri c)" "$(uri d)"
kill_server d
wait_until grep -q "d.sock (slot 3) $gone" mirror.messages
kill_server c
wait_until grep -q "c.sock (slot 2) holds the LAST COPY" mirror.messages
kill_server b
wait_until grep -q "b.sock (slot 1) $gone" mirror.messages
said 2 "OUT OF THE MIRROR"
kill_server mirror
