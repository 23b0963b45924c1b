#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What comes of a connection that was given up, an answer or a write that its
# server carries out at last, changes nothing for the mirror any more.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 1M a.img b.img
serve b file b.img
proxy unix "$dir/b.sock"
proxy tcp "$dir/b.sock" tcp

for name in unix tcp; do
  for way in down up; do
    rm -f mirror.messages
    truncate -s 0 a.img b.img
    disk 1M a.img b.img
    uri=$(uri $name)
    test $name = unix || uri=nbd://localhost:$port
    serve_mirror a.img "$uri" timeout=1
    proxy_do $name hold $way
    python $name $way <<'END'
from nbdtest import *

name, way = sys.argv[1:]


def first():
    with open("b.img", "rb") as file:
        return file.read(4096)


h = connect()
h.pwrite(b"1" * 4096, 0)
h.pwrite(b"2" * 4096, 0)
assert (first() == b"1" * 4096) == (way == "down")
while proxy_status(name)["orphans"] == 0:
    time.sleep(0.01)
assert proxy_status(name)["held_" + way] > 0
assert proxy_do(name, "deliver") == "done"
while first() != b"1" * 4096:
    time.sleep(0.01)
assert h.pread(4096, 0) == b"2" * 4096
h.pwrite(b"3" * 4096, 4096)
h.flush()
assert h.pread(8192, 0) == b"2" * 4096 + b"3" * 4096
END
    said_out "${uri#nbd*//}"
    said 1 "OUT OF THE MIRROR.*Connection timed out"
    stop mirror
    said 1 .
    proxy_do $name forget
    proxy_do $name pass
    serve_again b file b.img
  done
done
