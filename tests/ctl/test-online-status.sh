#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror status, detail: servers are found by name, uuid or socket; the screen
# fits 80 columns and says what is wrong and what to do; the exit status tells
# how the array is.

. "$(dirname "$0")/online-functions.sh"
"$PYTHON" -c 'import jsonschema' 2>/dev/null || skip "no jsonschema"

# ask STATUS WORD...: does, whose output is a screen.
ask ()
{
  { local -; set +x; } 2>/dev/null
  does "$@"
  shift
  mv said screen
  case $* in
    *json* | detail* | *mdstat*) ;;
    *)
      # Names are not cut off.
      test "$(sed "s|[^ ]*$dir/||g" screen | wc -L)" -le 80 \
        || fail "wider than 80 columns" ;;
  esac
}

shows ()
{
  grep -qE -e "$1" screen || fail "it does not show: $1"
}

complains ()
{
  grep -qE -e "$1" complaint || fail "it does not say: $1"
  test "$(wc -l <complaint)" = 1
}

ask 3 status
complains "no-server"
ask 3 status nobody
complains "nobody: no-server"

md_array --name=host:vm a.img b.img
serve mirror "$MIRROR_SO" a.img b.img
controlled mirror
socket=run/nbdmirror/host:vm.sock

ask 0 status
shows '^host:vm  raid1  7 MiB  OPTIMAL  \[UU\]  survives 1 failure  0 clients$'
shows "^     0  in-sync .* $dir/a.img$|^        $dir/a.img$"
ask 0 status --unhealthy
test "$(cat screen)" = "all arrays are optimal"
ask 0 status --check
test ! -s screen
ask 0 status --mdstat
shows '^host:vm : active raid1 b.img\[1\] a.img\[0\]$'
shows '^      7168 blocks super 1.2 \[2/2\] \[UU\]$'

# Its flags are told.
does 0 write-mostly --yes 0
ask 0 status
shows "^     0  in-sync .* $dir/a.img  write-mostly$|^        $dir/a.img  write-mostly$"
ask 0 status --mdstat
shows '^host:vm : active raid1 b.img\[1\] a.img\[0\]\(W\)$'
ask 0 --json status
grep -q '"write-mostly"' screen
does 0 read-as-others --yes 0
ask 0 status --mdstat
shows '^host:vm : active raid1 b.img\[1\] a.img\[0\]$'

# By any name; none where there is only one.
uuid=$(md_field a.img array uuid | tr -d '"')
for word in vm host:vm "${uuid:0:4}" "${uuid:0:13}" "$(tr -d : <<<"$uuid")" \
  "$dir/$socket" "./$socket" "./run/nbdmirror/host:vm.ro"; do
  ask 0 status --check "$word"
done
for word in v m host "${uuid:0:3}" "${uuid}0" x: vm: ./nowhere /; do
  ask 3 status --check "$word"
  test -s complaint
done
ask 2 status --check --mdstat
ask 2 detail vm vm

# JSON is what the schema says, and has what the screen shows.
ask 0 --json status vm
python <<'END'
from control import *

document = json.load(open("screen"))
expect("format", document["format"], 1)
array, = document["arrays"]
validate(array, RESULTS["status"])
END
ask 0 --json detail vm
ask 0 detail vm
shows "^  health        optimal$"

# A second one, which lost a disk.
disk 8M d.img
serve leg file d.img
disk 8M c.img
serve other "$MIRROR_SO" c.img "$(uri leg)"
controlled other
plain=$(cat other.pid)
kill_server leg
python <<'END'
from control import *

control = Control(f"run/nbdmirror/{open('other.pid').read().strip()}.sock")
wait_until(lambda: control.ask("status")["array"]["health"] == "degraded")
END
ask 2 detail
complains "which-array"
ask 4 status
shows "^$plain  raid1  8 MiB  DEGRADED  \[U_\]  survives no failure"
tr -s ' \n' ' ' <screen >flat
grep -q " what: disk nbd+unix.*leg.sock (slot 1) failed at 20[0-9-]* [0-9:]*Z impact: " flat
shows "^  impact: +1 of 2 disks"
shows "^  action: +bring its server back: it is let in by itself"
ask 4 status --unhealthy
shows "DEGRADED"
if grep OPTIMAL screen; then fail "it shows what is well"; fi
ask 0 status --check vm
ask 4 status --check "$plain"
ask 4 status --mdstat "$plain"
shows ' leg.sock\[1\]\(F\) c.img\[0\]$|\?.*\[1\]\(F\) c.img\[0\]$'
ask 4 --json status "$plain"
python <<'END'
from control import *

array, = json.load(open("screen"))["arrays"]
validate(array, RESULTS["status"])
expect("reason", [r["code"] for r in array["reasons"]], ["disk-failed"])
expect("states", [m["state"] for m in array["members"]],
       ["in-sync", "failed"])
END
stop other
stop mirror

# One that is being rebuilt, slowly.
leave_behind a.img
serve mirror "$MIRROR_SO" a.img b.img sync_max=64K
controlled mirror
ask 5 status
shows "RECOVERING  \[U_\]"
shows "^  action: +none needed; it begins when"
hold_mirror
until grep -q " left$" screen; do
  ask 5 status
  sleep 0.02
done
shows '^  \[=*>\.*\] [0-9.]+ %  rebuild$'
shows '^  .* of .*   .*/s   .* left$'
shows "^  action: +none needed$"
ask 5 status --mdstat
shows 'recovery = +[0-9.]+% \([0-9]+/7168\) finish='

# Watching: in lines; and on a terminal of 80 columns, whose screen is drawn
# again and again, until the server ends.
"$NBDMIRROR" status --watch >lines 2>watch-complaint &
watcher=$!
wait_until grep -q "host:vm  recovering  \[U_\]  rebuild" lines
python <<'END'
from control import *
import fcntl
import pty
import struct
import termios

pid, fd = pty.fork()
if pid == 0:
    os.execv(os.environ["NBDMIRROR"], ["nbdmirror", "status", "--watch"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
seen = b""
while seen.count(b"\x1b[H") < 3:
    seen += os.read(fd, 4096)
screen = seen.split(b"\x1b[H\x1b[J")[2].decode().replace("\r", "")
assert "RECOVERING" in screen and "rebuild" in screen, screen
assert max(map(len, screen.split("\n"))) <= 80, screen
os.kill(pid, 15)
os.waitpid(pid, 0)
END
stop mirror
status=0
wait "$watcher" || status=$?
test "$status" = 3
grep -q "gone: its server has ended\|no-answer" watch-complaint
