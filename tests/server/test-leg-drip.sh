#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk whose answers come byte by byte does not escape its deadline: what it
# owes is read from the other disk while it still drips.

. "$(dirname "$0")/functions.sh"
requires_libnbd

random_disk 1M a.img b.img
serve a file a.img
proxy other "$dir/a.sock"
serve b file b.img
proxy unix "$dir/b.sock"
proxy tcp "$dir/b.sock" tcp

for name in unix tcp; do
  rm -f mirror.messages
  uri=$(uri $name)
  test $name = unix || uri=nbd://localhost:$port
  serve_mirror "$(uri other)" "$uri" timeout=2
  # All of it would take an hour.
  proxy_do $name drip 300
  python $name <<'END'
from nbdtest import *

way = sys.argv[1]
h = connect()
before = proxy_status(way)["down"]
# What the one disk owes goes to the other one next.
proxy_do("other", "hold down")
asked = []
for i in range(16):
    buffer = nbd.Buffer(65536)
    asked.append((buffer, i * 65536, h.aio_pread(buffer, i * 65536)))
while proxy_status(way)["down"] == before:
    h.poll(10)
proxy_do("other", "pass")
with open("a.img", "rb") as file:
    data = file.read()
for buffer, offset, cookie in asked:
    finish(h, cookie)
    assert buffer.to_bytearray() == data[offset:offset + 65536]
END
  said_out "${uri#nbd*//}"
  stop mirror
  proxy_do $name close
  proxy_do $name pass
  serve_again b file b.img
done
