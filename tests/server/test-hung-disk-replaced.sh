#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A local disk hangs in the kernel, with a client's write inside, and is failed,
# removed, and another one added in its place, or replaced by one: the rebuild
# ends, with what the stuck write wrote, which everybody can read and write over,
# while the disk still hangs.  Only that write gets no answer before the kernel
# has one.

. "$(dirname "$0")/functions.sh"
requires_libnbd
hangable

for kind in md plain; do
  rm -f -- *.img*
  if test $kind = md; then md_array a.img b.img; else disk 8M a.img b.img; fi
  disk 9M c.img d.img
  serve_hangable a.img b.img
  python <<'END'
from control import *
from nbdtest import *

MIB = 1 << 20
control = Control("control")


def members():
    return control.ask("status")["members"]


def state(name):
    return [m["state"] for m in members() if m["disk"].endswith(name)]


def identity(name):
    return [m["id"] for m in members() if m["disk"].endswith(name)][0]


stuck, other = connect(), connect()
other.pwrite(b"1" * 4096, 0)
open("a.img.hangs", "w").close()
inside = aio_pwrite(stuck, b"2" * 4096, MIB)
while not os.path.exists("a.img.calls"):
    stuck.poll(20)

control.ask("fail", member=identity("a.img"))
# Everybody sees what the stuck write writes.
expect("read", other.pread(4096, MIB), b"2" * 4096)
other.pwrite(b"3" * 2048, MIB)
other.flush()
control.ask("remove", member=identity("a.img"))
control.ask("add", disk=os.path.abspath("c.img"))
wait_until(lambda: state("c.img") == ["in-sync"])
control.ask("write-mostly", member=identity("c.img"))
control.ask("read-as-others", member=identity("c.img"))
control.ask("replace", member=identity("b.img"), disk=os.path.abspath("d.img"))
wait_until(lambda: state("d.img") == ["in-sync"])
expect("data", other.pread(4096, MIB), b"3" * 2048 + b"2" * 2048)
assert not stuck.aio_command_completed(inside)

os.unlink("a.img.hangs")
finish(stuck, inside)
expect("data", other.pread(4096, MIB), b"3" * 2048 + b"2" * 2048)
END
  stop mirror
done
