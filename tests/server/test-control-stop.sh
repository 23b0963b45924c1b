#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# "stop" on the control socket stops the server as SIGTERM does; not while
# clients are connected, whom it lists, unless it is forced.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 8M a.img b.img
md_array a.img b.img
serve_mirror a.img b.img control="$dir/control"
controlled mirror
python <<'END'
from control import *
from nbdtest import *
import os

control = Control("control")
expect("no clients", control.ask("clients"), {"count": 0, "clients": []})
handles = [connect() for _ in range(3)]
seen = control.ask("clients")
expect("clients", seen["count"], 3)
expect("client", seen["clients"],
       [{"address": "local", "pid": os.getpid(), "uid": os.getuid()}] * 3)
expect("stop", control.refused("stop"), "clients-connected")
expect("stop", control.refused("stop", force=False), "clients-connected")
handles[0].pwrite(b"1" * 4096, 0)
handles.pop(1).shutdown()
wait_until(lambda: control.ask("clients")["count"] == 2)
control.ask("stop", force=True)
# It says so until it ends.
expect("end", control.receive(), None)
END
ended mirror
md_is a.img clean true
md_is b.img clean true
test ! -e control

rm mirror.messages
serve_tcp mirror "$MIRROR_SO" a.img b.img control="$dir/control"
controlled mirror
python "$port" <<'END'
from control import *
import nbd
import sys

h = nbd.NBD()
h.connect_tcp("127.0.0.1", sys.argv[1])
control = Control("control")
peer, = control.ask("clients")["clients"]
assert peer["address"].startswith("TCP 127.0.0.1:"), peer
expect("pid", (peer["pid"], peer["uid"]), (None, None))
h.shutdown()
wait_until(lambda: control.ask("clients")["count"] == 0)
control.ask("stop")
expect("end", control.receive(), None)
END
ended mirror
