#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# event-program= is called as mdadm --monitor calls its program, with the event
# as JSON on standard input; one call at a time, outside of requests: a program
# that hangs holds up neither clients nor status nor the stop.

. "$(dirname "$0")/functions.sh"
requires_libnbd

cat >program <<END
#!/bin/sh
cat >>"$dir/json"
echo "\$# \$*" >>"$dir/calls"
END
chmod 755 program

# calls LINE...: that is what it was called with.
called ()
{
  printf '%s\n' "$@" | cmp -s - \
    <(sed "/ Rebuild[0-9]/d;s|nbd+[^ ]*/||;s|$dir/||g" calls 2>/dev/null)
}

md_array --name=vm a.img b.img
serve leg file b.img
serve_mirror a.img "$(uri leg)" event-program=program control="$dir/control"
controlled mirror
kill_server leg
wait_until called "3 Fail vm leg.sock"
stop mirror
rm calls

rm mirror.messages
serve_mirror a.img degraded=yes event-program=program control=none
wait_until called "2 DegradedArray vm"
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
h.shutdown()
END
stop mirror
rm calls
serve_mirror a.img b.img event-program=program
hold_mirror
wait_until called "2 DegradedArray vm" "3 RebuildStarted vm b.img" \
  "3 RebuildFinished vm b.img" "3 SpareActive vm b.img"
stop mirror
python <<'END'
from control import *

for line in open("json"):
    validate(json.loads(line), {"$ref": "#/definitions/event"})
END

# It hangs.
cat >program <<END
#!/bin/sh
echo \$\$ >"$dir/hangs"
exec sleep 1000
END
rm mirror.messages
serve leg file b.img
serve_mirror a.img "$(uri leg)" event-program=program control="$dir/control"
controlled mirror
kill_server leg
wait_until test -s hangs
python <<'END'
from control import *
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
expect("health", Control("control").ask("status")["array"]["health"],
       "degraded")
END
stop mirror
kill "$(cat hangs)"

# What cannot be called.
refused "event-program=$dir/nothing: cannot be called: No such file" \
  a.img b.img event-program=nothing
refused "event-program=$dir/a.img: cannot be called: Permission denied" \
  a.img b.img event-program=a.img
