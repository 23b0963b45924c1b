#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Only the server's own user and root give orders: others cannot open the
# socket, and are refused if they can.  The other socket answers everybody.

. "$(dirname "$0")/functions.sh"
requires_libnbd
test "$(id -u)" = 0 || skip "only root can be several users"
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
$nobody true || skip "cannot give up being root"

disk 1M a.img b.img
chmod 755 .
serve_mirror a.img b.img control="$dir/control"
controlled mirror

cat >ask.py <<'END'
from control import *
import sys

try:
    control = Control(sys.argv[1], greeted=False)
except PermissionError:
    print("no permission")
    sys.exit()
first = control.receive()
if "nbdmirror" in first:
    control.ask("status")
    print("answered")
else:
    expect("closed", control.receive(), None)
    print(first["error"]["code"])
END
chmod 644 ask.py
answer ()
{
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$server_dir client $2 "$PYTHON" \
    ask.py "$1"
}

test "$(answer control "")" = answered
test "$(answer control "$nobody")" = "no permission"
test "$(answer control.ro "$nobody")" = answered
chmod 666 control
test "$(answer control "$nobody")" = permission-denied
test "$(answer control "")" = answered
stop mirror

# A server of another user: root may, too.
without_root
chmod 666 a.img b.img
rm mirror.messages
serve mirror "$MIRROR_SO" a.img b.img control="$dir/control"
controlled mirror
test "$(answer control "")" = answered
test "$(answer control "$nobody")" = answered
stop mirror
