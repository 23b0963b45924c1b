#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A local disk hangs in the kernel: a flush and then a write of a client.  That
# is told (event, status, metrics), and status answers all the time.  When the
# disk is failed by order, who waited for it without being inside goes on: the
# flush, the order itself, new writes and flushes.  The write that is inside
# stays there, and only it.  When the kernel answers all is as if it had failed.
# With O_DIRECT the write is inside for both disks, and the other one has answered.

. "$(dirname "$0")/functions.sh"
requires_libnbd
hangable

for kind in md plain direct; do
  rm -f -- *.img*
  if test $kind = md; then md_array a.img b.img; else disk 8M a.img b.img; fi
  if test $kind = direct; then
    (requires_direct) || continue
    serve_hangable a.img b.img cache=none
  else
    serve_hangable a.img b.img
  fi
  python <<'END'
from control import *
from nbdtest import *
import nbd

MIB = 1 << 20


def wait(h, cookie):
    while not h.aio_command_completed(cookie):
        h.poll(-1)


def write(h, at):
    return h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(b"2" * 4096)), at)


control = Control("control")
stuck, flushing, other = connect(), connect(), connect()
other.pwrite(b"1" * 4096, 0)
open("a.img.hangs", "w").close()
flush = flushing.aio_flush()
while not os.path.exists("a.img.calls"):
    flushing.poll(20)
inside = write(stuck, MIB)
stuck.poll(20)
hung = None
while hung is None or hung["requests"] < 2:
    hung = control.ask("status")["members"][0]["hung"]
    time.sleep(0.1)
status = control.ask("status")
expect("operation", hung["operation"], "flush")
expect("seconds", hung["seconds"] >= 10, True)
expect("other disk", status["members"][1]["hung"], None)
expect("reasons", [r["code"] for r in status["reasons"]], ["disk-hung"])
expect("state", status["members"][0]["state"], "in-sync")
metrics = control.ask("metrics")["text"].split("\n")
assert any(line.startswith("nbdmirror_leg_hung{")
           and line.endswith('leg="0",id="1"} 2') for line in metrics)
assert not flushing.aio_command_completed(flush)

control.ask("fail", member=1)
wait(flushing, flush)
for _ in range(3):
    other.pwrite(b"3" * 4096, 0)
    other.flush()
expect("data", other.pread(4096, 0), b"3" * 4096)
# Where one is inside, too: somebody else has done it, and has left the range.
other.pwrite(b"4" * 4096, MIB)
assert not stuck.aio_command_completed(inside)

os.unlink("a.img.hangs")
wait(stuck, inside)
expect("what was stuck", other.pread(4096, MIB), b"4" * 4096)
while control.ask("status")["members"][0]["hung"] is not None:
    time.sleep(0.1)
kinds = [event["kind"] for event in control.history()]
for kind in "Hung", "Fail", "HungEnded":
    assert kind in kinds, kinds
END
  stop mirror
done
