#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# While every disk hangs, and a client's write with them, the control socket
# answers.  The write is still not answered then, so nothing here waited for it.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 8M a.img b.img
md_array a.img b.img
for leg in a b; do
  serve $leg file $leg.img
done
serve_mirror "$(uri a)" "$(uri b)" control="$dir/control"
controlled mirror
python <<'END'
from control import *
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
END
freeze a
freeze b
python <<'END'
from control import *
from nbdtest import *
import nbd

h = connect()
buffer = nbd.Buffer.from_bytearray(bytearray(b"2" * 4096))
cookie = h.aio_pwrite(buffer, 8192)
# It is in the mirror when the disks have been asked.
control = Control("control")
while sum(m["in_flight"] for m in control.ask("status")["members"]) == 0:
    h.poll(20)
for path in "control", "control.ro":
    for _ in range(20):
        status = Control(path).ask("status")
        expect("clients", status["array"]["clients"], 1)
        expect("members", [m["state"] for m in status["members"]],
               ["in-sync", "in-sync"])
assert not h.aio_command_completed(cookie)
END
kill -CONT "${server[a]}" "${server[b]}"
stop mirror
