#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the server serves, and where it listens, is said in one line when it
# starts: on the terminal, or in syslog in the background.  It is no error.  A
# start that is refused does not say it.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 1M a.img b.img
md_array m.img n.img
plain="serving a plain array: raid1, 1048576 bytes, 2 of 2 disks in sync: \
$dir/a.img, $dir/b.img; listening on"

# line FILE TEXT: it is there, once, as a notice, and nbdkit says nothing else.
line ()
{
  wait_until grep -q serving "$1"
  diff <(grep ^nbdkit: "$1" | grep -v "mirror: this nbdkit is older" |
    sed 's|; control socket .*/nbdmirror/[0-9]*\.sock$||') - \
    <<<"nbdkit: mirror: $2"
}

serve_mirror a.img b.img
line mirror.messages "$plain Unix socket $dir/mirror.sock"
stop mirror
line mirror.messages "$plain Unix socket $dir/mirror.sock"

rm mirror.messages
serve_tcp mirror "$MIRROR_SO" a.img b.img
# shellcheck disable=SC2154
line mirror.messages "$plain TCP 127.0.0.1:$port"
stop mirror

# shellcheck disable=SC2016
nbdkit_once "$MIRROR_SO" a.img b.img \
  --run 'echo "$unixsocket" >where' 2>messages
line messages "$plain Unix socket $(cat where)"

client nbdkit -s "$MIRROR_SO" a.img b.img </dev/null >/dev/null 2>messages
line messages "$plain standard input and output"

# Two sockets.  It becomes the server itself: nbdkit ends with its parent.
"$PYTHON" - "$MIRROR_SO" 2>messages <<'END' &
import os, socket, sys

tcp = socket.create_server(("127.0.0.1", 0))
local = socket.socket(socket.AF_UNIX)
local.bind("local.sock")
local.listen()
with open("where", "w") as file:
    file.write("TCP 127.0.0.1:%d and Unix socket local.sock"
               % tcp.getsockname()[1])
os.dup2(tcp.fileno(), 20)
os.dup2(local.fileno(), 21)
os.closerange(3, 20)
os.dup2(20, 3)
os.dup2(21, 4)
os.closerange(20, 22)
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()))
os.execvp("nbdkit", ["nbdkit", "-f", "-P", "two.pid", sys.argv[1],
                     "a.img", "b.img"])
END
wait_until test -s two.pid
wait_until grep -q serving messages
line messages "$plain $(cat where)"
kill "$(cat two.pid)"
wait_until is_gone "$(cat two.pid)"

# What kind, and which disks.
rm -f mirror.messages
serve_mirror level=raid10 chunk=64K a.img b.img
line mirror.messages "serving a plain array: raid10 (layout n2, chunk 64K), \
1048576 bytes, 2 of 2 disks in sync: $dir/a.img, $dir/b.img; listening on \
Unix socket $dir/mirror.sock"
stop mirror

rm mirror.messages
serve_mirror n.img m.img
wait_until grep -E "^nbdkit: mirror: serving an md array: raid1, [0-9]+ bytes, 2 of 2 \
disks in sync: $dir/n.img, $dir/m.img; listening on " mirror.messages
stop mirror

rm mirror.messages
serve_mirror m.img
wait_until grep "1 of 2 disks in sync: $dir/m.img; listening on " mirror.messages
stop mirror

# Nothing listens: nothing is said.
refused "does not exist" a.img none.img
if client nbdkit -U "$dir/no/such/folder" "$MIRROR_SO" a.img b.img 2>messages
then
  fail "it listens where nothing can"
fi
cat messages
if grep serving messages; then
  fail "it says that it serves"
fi

# In the background it is syslog's, not an error there; the terminal has
# nothing.  /dev/log is ours in a name space of our own.
unshare -rm true 2>/dev/null || exit 0
cat >syslog.py <<'END'
import os, socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
open("listens", "w").close()
message = log.recv(4096).decode()
while "serving" not in message:
    message = log.recv(4096).decode()
with open("syslog", "w") as file:
    file.write(message)
END
cat >background.sh <<'END'
set -e
mkdir dev
mount -t tmpfs none dev
for name in null zero random urandom; do
  touch dev/$name
  mount --bind /dev/$name dev/$name
done
mount --rbind dev /dev
"$PYTHON" syslog.py &
until test -e listens; do sleep 0.02; done
nbdkit -P "$dir/bg.pid" -U "$dir/bg.sock" "$MIRROR_SO" a.img b.img 2>terminal
wait
kill $(cat bg.pid)
END
export PYTHON MIRROR_SO
client unshare -rm bash background.sh
cat syslog
# <29>: a daemon's notice.
grep "^<29>.*nbdkit.*: mirror: $plain Unix socket $dir/bg.sock" syslog
test "$(wc -c <terminal)" = 0
wait_until is_gone "$(cat bg.pid)"
