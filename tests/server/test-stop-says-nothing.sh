#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Whatever stops the server, and whether or not a client stays connected: it
# ends by itself, with status 0, and says nothing that looks like an error.

. "$(dirname "$0")/functions.sh"
requires nbdinfo
requires_filter exitlast exitwhen
requires_libnbd

disk 1M a.img b.img

no_error ()
{
  test -e mirror.messages
  if grep -i -e error -e abort mirror.messages; then
    fail "$1: an error at a clean stop"
  fi
  rm mirror.messages
}

for signal in TERM INT QUIT HUP; do
  for client in none idle; do
    serve_mirror a.img b.img
    if test $client = idle; then
      hold_mirror
    fi
    kill -$signal "${server[mirror]}"
    ended mirror
    no_error "SIG$signal, client: $client"
  done
done

# With a socket that it was handed.
serve_tcp mirror "$MIRROR_SO" a.img b.img
python "$port" <<'END' &
from nbdtest import *

h = nbd.NBD()
h.connect_tcp("localhost", sys.argv[1])
open("connected", "w").close()
h.poll(-1)
END
client=$!
wait_until test -e connected
stop mirror
finished $client
no_error "socket activation"

# The end of what --run runs, while another client stays connected.
rm -f held
cat >run.sh <<'END'
ln -sf "$unixsocket" mirror.sock
PYTHONPATH=$server_dir "$PYTHON" - <<'SCRIPT' &
from nbdtest import *
h = connect()
open("held", "w").close()
while not h.aio_is_closed():
    h.poll(-1)
SCRIPT
until test -e held; do sleep 0.02; done
END
export server_dir PYTHON
# shellcheck disable=SC2016
nbdkit_once "$MIRROR_SO" a.img b.img \
  --run 'export unixsocket; bash run.sh' 2>mirror.messages
no_error "--run"

# Standard input and output: the client goes, or stays idle.
for how in goes stays; do
  MIRROR_SO=$MIRROR_SO python $how 2>mirror.messages <<'END'
from nbdtest import *
import socket
import subprocess

ours, theirs = socket.socketpair()
server = subprocess.Popen(["nbdkit", "-s", os.environ["MIRROR_SO"],
                           "a.img", "b.img"], stdin=theirs, stdout=theirs)
theirs.close()
h = nbd.NBD()
h.connect_socket(ours.fileno())
h.pwrite(b"x" * 4096, 0)
if sys.argv[1] == "stays":
    server.terminate()
else:
    h.shutdown()
assert server.wait() == 0
END
  no_error "-s, the client $how"
done

# Filters that end the server.
serve mirror --filter=exitlast "$MIRROR_SO" a.img b.img
client nbdinfo "$(uri mirror)" >info
ended mirror
no_error exitlast

serve mirror --filter=exitwhen "$MIRROR_SO" a.img b.img \
  exit-when-file-created=over exit-when-poll=1
client nbdinfo "$(uri mirror)" >info
touch over
ended mirror
no_error exitwhen
