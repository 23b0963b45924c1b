#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A local disk hangs in the kernel, with a client's write inside, and the server
# is told to stop: it ends, by force in the end, and the array is left dirty with
# all that was acknowledged.

. "$(dirname "$0")/functions.sh"
requires_libnbd
hangable

md_array a.img b.img
serve_hangable a.img b.img timeout=1
python <<'END'
from control import *
from nbdtest import *
import nbd

h = connect()
h.pwrite(b"1" * 4096, 0)
open("a.img.hangs", "w").close()
h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(b"2" * 4096)), 8192)
while not os.path.exists("a.img.calls"):
    h.poll(20)
expect("status", Control("control").ask("status")["array"]["clients"], 1)
END
kill -TERM "${server[mirror]}"
ended mirror && fail "it ended as if nothing had hung"
grep "ends without it" mirror.messages
rm a.img.hangs
md_is a.img clean false
md_is b.img clean false
serve_mirror a.img b.img
python <<'END'
from control import *
from nbdtest import *

expect("data", connect().pread(4096, 0), b"1" * 4096)
END
stop mirror
