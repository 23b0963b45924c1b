#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# create, history and explain fit a terminal of 80 columns; where there is none
# history has a line for each event.

. "$(dirname "$0")/online-functions.sh"

# on_terminal WORD...: what nbdmirror shows on one of 80 columns is in "shown".
on_terminal ()
{
  python "$@" <<'END'
import fcntl, os, pty, struct, sys, termios

pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execv(os.environ["NBDMIRROR"], ["nbdmirror", *sys.argv[1:]])
text = b""
try:
    while part := os.read(fd, 65536):
        text += part
except OSError:         # it has ended
    pass
assert os.waitpid(pid, 0)[1] == 0, text
lines = text.decode().replace("\r", "").splitlines()
open("shown", "w").write("\n".join(lines))
wide = [line for line in lines if len(line) > 80]
assert lines and not wide, wide
END
}

mkdir a-folder-of-disks
a=$dir/a-folder-of-disks/a.img b=$dir/a-folder-of-disks/b.img
disk 8M "$a" "$b"
on_terminal create --dry-run --name=vm "$a" "$b"
test "$(grep -c "^      data from sector .*; looks unused$" shown)" = 2
md_array --name=vm "$a" "$b"
serve mirror "$MIRROR_SO" "$a" "$b"
controlled mirror
hold_mirror
does 0 fail --yes vm 1
on_terminal history vm
grep "^20.*critical \|^20.*info .*Fail" shown
on_terminal explain vm 1
does 0 history vm
grep "^20.* Fail .*disk $b .*" said
does 0 stop --force vm
