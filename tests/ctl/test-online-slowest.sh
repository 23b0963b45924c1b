#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror slowest: how long each disk takes to answer, and which requests took
# longest, what they were for, and where.

. "$(dirname "$0")/online-functions.sh"

does 3 slowest
does 2 slowest a b
md_array --name=vm a.img b.img
serve leg --filter=delay file b.img delay-write=50ms
serve mirror "$MIRROR_SO" a.img "$(uri leg)"
controlled mirror
does 0 slowest
python <<'END'
from nbdtest import *

h = connect()
for i in range(3):
    h.pwrite(b"1" * 8192, i << 20)
h.flush()
h.shutdown()
END
does 0 slowest
grep -qE '^     1        -       - .* ms .*s  nbd\+unix|^     1        -       - .* ms ' said
grep -qE '^  20.*Z +[0-9.]+ ms  write  client +[0-9]+\+8192' said
does 0 --json slowest
python "$(uri leg)" <<'END'
import sys

from control import *

answer = json.load(open("said"))
validate(answer, RESULTS["latency"])
control = Control("run/nbdmirror/vm.ro")
validate(control.ask("latency"), RESULTS["latency"])
local, remote = answer["members"]
expect("disk", remote["disk"], sys.argv[1])
# Its metadata is written there, too.
assert remote["write"]["count"] > 3, remote
assert remote["write"]["p50_us"] >= 50000, remote
assert local["write"]["count"] > 0, local
slow = answer["slowest"]
took = [entry["took_us"] for entry in slow]
expect("order", took, sorted(took, reverse=True))
# On a busy machine the local disk may be slow as well.
far = [entry for entry in slow if entry["disk"] == sys.argv[1]]
writes = [entry for entry in far
          if entry["step"] == "client" and entry["op"] == "write"]
expect("writes", sorted(entry["offset"] >> 20 for entry in writes), [1, 2, 3])
assert min(entry["took_us"] for entry in writes) >= 50000, writes
assert "metadata" in [entry["step"] for entry in far], far
END
stop mirror
