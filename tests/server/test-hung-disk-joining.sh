#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk that is to join hangs in the kernel while it is opened.  Status and other
# orders, one that opens another disk among them, do not wait for it; its order is
# given up, and nothing comes of it when the disk answers after all.  One that hangs
# later, when its metadata is written or while it is rebuilt, can be failed, and
# another one added in its place.  The stop ends in any case.

. "$(dirname "$0")/functions.sh"
requires_libnbd
hangable

for kind in md plain; do
  rm -f -- *.img*
  if test $kind = md; then md_array a.img b.img; else disk 8M a.img b.img; fi
  disk 9M c.img d.img e.img f.img g.img h.img
  serve_hangable a.img b.img
  python <<'END'
from control import *
from nbdtest import *

control, waiting, h = Control("control"), Control("control"), connect()


def disks():
    return {os.path.basename(m["disk"]): (m["id"], m["state"])
            for m in control.ask("status")["members"] if m["disk"]}


def hung():
    return [e["kind"] for e in control.history() if "Hung" in e["kind"]]


def begin(hangs, how, cmd, **args):
    open(hangs + how, "w").close()
    waiting.send({"id": 1, "cmd": cmd, "args": args})
    wait_until(lambda: os.path.exists(hangs + ".calls"))


control.ask("fail", member=disks()["b.img"][0])
control.ask("remove", member=disks()["b.img"][0])
begin("c.img", ".hangs", "add", disk=os.path.abspath("c.img"))
expect("states", sorted(disks()), ["a.img"])
control.ask("add", disk=os.path.abspath("d.img"))
wait_until(lambda: disks()["d.img"][1] == "in-sync")
h.pwrite(b"1" * 4096, 0)
h.flush()
reply = waiting.receive()
expect("given up", reply["error"]["code"], "hangs")
assert "c.img" in reply["error"]["text"]
expect("events", hung(), ["Hung"])
control.ask("fail", member=disks()["d.img"][0])
control.ask("remove", member=disks()["d.img"][0])
os.unlink("c.img.hangs")
wait_until(lambda: hung() == ["Hung", "HungEnded"])
expect("states", sorted(disks()), ["a.img"])
with open("c.img", "rb") as file:
    expect("nothing was written", file.read().strip(b"\0"), b"")
control.ask("add", disk=os.path.abspath("c.img"))
wait_until(lambda: disks()["c.img"][1] == "in-sync")
expect("data", h.pread(4096, 0), b"1" * 4096)

# It is open, and a member, before it hangs.
control.ask("grow-legs", slots=3)
begin("f.img", ".hangs-writing", "add", disk=os.path.abspath("f.img"))
wait_until(lambda: "f.img" in disks())
control.ask("fail", member=disks()["f.img"][0])
expect("refused", waiting.receive()["error"]["code"], "not-recorded")
expect("states", sorted(disks()), ["a.img", "c.img"])
h.pwrite(b"2" * 4096, 0)
h.flush()

# And while it is rebuilt.
control.ask("sync-pause")
control.ask("add", disk=os.path.abspath("h.img"))
open("h.img.hangs", "w").close()
control.ask("sync-resume")
wait_until(lambda: os.path.exists("h.img.calls"))
control.ask("fail", member=disks()["h.img"][0])
control.ask("remove", member=disks()["h.img"][0])
control.ask("add", disk=os.path.abspath("g.img"))
wait_until(lambda: disks()["g.img"][1] == "in-sync")

# It is not answered when the server is told to stop.
begin("e.img", ".hangs", "replace", member=disks()["c.img"][0],
      disk=os.path.abspath("e.img"))
END
  kill -TERM "${server[mirror]}"
  ended mirror && fail "it ended as if nothing had hung"
  if test $kind = md; then md_is a.img clean true; fi
done
