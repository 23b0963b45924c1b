#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What happens is an event, in the order in which it does: for those who
# subscribed, in the history, and in the log with the same words.  Whoever
# subscribes and does not read is dropped, and holds nothing up.

. "$(dirname "$0")/functions.sh"
requires_libnbd

md_array a.img b.img
serve leg file b.img
serve_mirror a.img "$(uri leg)" control="$dir/control"
controlled mirror
python "${server[leg]}" <<'END'
from control import *
from nbdtest import *
import signal
import sys

control = Control("control")
expect("history", control.history(), [])
subscriber, other = Control("control"), Control("control.ro")
for one in subscriber, other:
    answer = one.ask("subscribe")
    expect("health", answer["status"]["array"]["health"], "optimal")

h = connect()
h.pwrite(b"1" * 4096, 0)
os.kill(int(sys.argv[1]), signal.SIGKILL)
event = subscriber.event()
expect("event", (event["seq"] > answer["seq"], event["kind"],
                 event["severity"], event["slot"]),
       (True, "Fail", "critical", 1))
assert event["disk"].endswith("leg.sock"), event
expect("the other", other.event(), event)
expect("history", control.history(), [event])
assert "error: " + event["text"] in open("mirror.messages").read()
reason = control.ask("status")["reasons"][0]
expect("since", (reason["code"], reason["since"]),
       ("disk-failed", event["time"]))

# Whoever subscribed is still answered.
subscriber.ask("clients")
END
killed leg
stop mirror

# It begins degraded; then the disk is rebuilt.
rm mirror.messages
serve_mirror a.img degraded=yes control="$dir/control"
controlled mirror
python <<'END'
from control import *
from nbdtest import *

event, = Control("control").history()
expect("kind", (event["kind"], event["severity"], event["slot"]),
       ("DegradedArray", "critical", None))
h = connect()
h.pwrite(b"1" * (4 << 20), 0)
h.shutdown()
END
stop mirror
rm mirror.messages
serve_mirror a.img b.img control="$dir/control"
controlled mirror
"$NBDMIRROR" events ./control >followed &
follower=$!
python <<'END'
from control import *
from nbdtest import *

subscriber = Control("control")
answer = subscriber.ask("subscribe")
h = connect()
kinds = []
while not kinds or kinds[-1] != "RebuildFinished":
    number = event["seq"] if kinds else answer["seq"]
    event = subscriber.receive()["event"]
    expect("seq", event["seq"], number + 1)
    kinds.append(event["kind"])
assert set(kinds[:-1]) <= {"Message", "RebuildStarted", "RebuildProgress"}
expect("started", kinds.count("RebuildStarted"), 1)
expect("slot", event["slot"], 1)
END
client "$NBDMIRROR" history ./control >history
grep -E '^20[0-9-]+T[0-9:.]+Z  info      RebuildFinished  disk .*b.img \(slot 1\): is rebuilt and in sync$' history
client "$NBDMIRROR" --json history ./control | tail -n 1 | grep '^{"seq":.*"kind":"RebuildFinished"'
stop mirror
wait "$follower"
# It may have come later than the first.
test -s followed
test -z "$(grep -vxF -f history followed | grep -v Message)"
