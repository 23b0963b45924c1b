#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Where the control sockets are: where control= says, or in the runtime
# directory under the array's name; one that is stale is replaced, one that is
# served is not; and they go when the server stops, in the background, too.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 1M a.img b.img
md_array --name=srv/v:m m.img n.img
md_array --name=srv/v:m o.img p.img
export XDG_RUNTIME_DIR=$dir/run
mkdir run

# socket_is NAME WHERE: its start line names it, and it answers.
socket_is ()
{
  wait_until grep -qF "; control socket $2" "$1.messages"
  python "$2" <<'END'
from control import *
import os, stat
import sys

path = sys.argv[1]
control = Control(path)
control.ask("status")
expect("mode", stat.S_IMODE(os.stat(path).st_mode), 0o600)
other = path[:-5] + ".ro" if path.endswith(".sock") else path + ".ro"
questions = Control(other)
questions.ask("status")
expect("read-only", [c.greeting["readonly"] for c in (control, questions)],
       [False, True])
expect("stop", questions.refused("stop"), "read-only")
expect("stop", questions.refused("stop", force=True), "read-only")
END
}

# left_nothing: no socket is left.
left_nothing ()
{
  test -z "$(find . -name '*.ro' -o -path './run/nbdmirror/*')"
}

serve_mirror a.img b.img
socket_is mirror "$dir/run/nbdmirror/$(cat mirror.pid).sock"
stop mirror
left_nothing

# Arrays of one name.
rm mirror.messages
serve mirror "$MIRROR_SO" m.img n.img
socket_is mirror "$dir/run/nbdmirror/srv_v:m.sock"
serve other -r "$MIRROR_SO" o.img p.img
socket_is other "$dir/run/nbdmirror/srv_v:m-$(cat other.pid).sock"
stop mirror
stop other
left_nothing

# Killed: its socket is stale, and the next one takes it over.
rm mirror.messages
serve_mirror m.img n.img
socket_is mirror "$dir/run/nbdmirror/srv_v:m.sock"
kill_server mirror
test -S "run/nbdmirror/srv_v:m.sock"
rm mirror.messages
serve_mirror m.img n.img
socket_is mirror "$dir/run/nbdmirror/srv_v:m.sock"
stop mirror
left_nothing

# A name of its own, relative, in a folder that is not /, in the background.
nbdkit -P bg.pid -U bg.sock "$MIRROR_SO" a.img b.img control=ctl.sock
wait_until test -s bg.pid
touch bg.messages
echo "; control socket $dir/ctl.sock" >bg.messages
socket_is bg "$dir/ctl.sock"
refused "control socket $dir/ctl.sock: a server that runs has it" \
  m.img n.img control=ctl.sock
kill "$(cat bg.pid)"
wait_until is_gone "$(cat bg.pid)"
test ! -e ctl.sock
left_nothing

rm mirror.messages
serve_mirror a.img b.img control=ctl.sock
socket_is mirror "$dir/ctl.sock"
kill_server mirror
rm mirror.messages
serve_mirror a.img b.img control=ctl.sock
socket_is mirror "$dir/ctl.sock"
stop mirror
left_nothing

# What cannot be.
echo precious >file
refused "control socket $dir/file: there is something else" \
  a.img b.img control=file
ln -s nowhere link
refused "control socket $dir/link: there is something else" \
  a.img b.img control=link
test "$(cat file)" = precious
refused "control socket $dir/no/where: .*No such file" \
  a.img b.img control=no/where
refused "control socket .*: cannot be made: File name too long" \
  a.img b.img control="$(printf '%0200d' 0)"

rm mirror.messages
serve_mirror a.img b.img control=none
wait_until grep -q "; no control socket$" mirror.messages
stop mirror
rm mirror.messages
touch stopgap
XDG_RUNTIME_DIR=$dir/stopgap serve mirror "$MIRROR_SO" a.img b.img
wait_until grep -q "; no control socket: .*stopgap/nbdmirror" mirror.messages
stop mirror
left_nothing
