#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# metrics=: the metrics are served by HTTP on a Unix socket or a loopback port,
# and nowhere else; who asks for nothing, or for something else, keeps nobody
# from them; they are no NBD clients.

. "$(dirname "$0")/functions.sh"
requires_libnbd
export XDG_RUNTIME_DIR=$dir/run
mkdir run

disk 1M a.img b.img
touch file
for place in 0.0.0.0:9 10.0.0.1:9100 127.0.0.1 127.0.0.1:0 127.0.0.1:65536 \
  127.0.0.1:x localhost:9100 '\[::\]:9100' :9100 9100 unix:; do
  refused "metrics=$place: use unix:/PATH, 127.0.0.1:PORT" a.img b.img \
    metrics="${place//\\/}"
done
refused "metrics=unix:.*file: the socket cannot be made: File exists" \
  a.img b.img metrics=unix:file
refused "metrics=unix:/no/where: the socket cannot be made: No such file" \
  a.img b.img metrics=unix:/no/where

# asks ADDRESS: a Python address, "unix" or a port.
asks ()
{
  python "$1" "$2" <<'END'
import os
import socket
import sys

from control import wait_until

place, control = sys.argv[1], sys.argv[2]


def connect():
    if place == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.connect("metrics.sock")
    else:
        s = socket.create_connection(("127.0.0.1", int(place)))
    s.settimeout(600)
    return s


def say(data):
    """All that comes back."""
    s = connect()
    s.sendall(data)
    answer = b""
    while True:
        part = s.recv(65536)
        if not part:
            return answer
        answer += part


# As many as there may be say nothing; one that says too much is sent away.
silent = [connect() for _ in range(15)]
silent[0].sendall(b"GET /met")
answer = say(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
head, _, body = answer.partition(b"\r\n\r\n")
assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
assert b"text/plain; version=0.0.4" in head, head
assert f"Content-Length: {len(body)}\r\n".encode() in head, head
assert b"\nnbdmirror_array_clients{" in body and body.endswith(b"\n"), body
assert b"} 0\n" in body[body.index(b"nbdmirror_array_clients{"):][:80], body
assert say(b"GET / HTTP/1.0\n\n").startswith(b"HTTP/1.1 200 ")
assert say(b"GET /other HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404 ")
assert say(b"POST /metrics HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 405 ")
try:
    assert say(b"GET / HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n") == b""
except (ConnectionResetError, BrokenPipeError):
    pass
# One more is sent away.
more = [connect() for _ in range(2)]
wait_until(lambda: more[1].recv(1) == b"")
more[0].close()
silent[0].sendall(b"rics HTTP/1.1\r\n\r\n")
assert silent[0].recv(12) == b"HTTP/1.1 200"
END
}

serve mirror "$MIRROR_SO" a.img b.img metrics=unix:metrics.sock
wait_until grep -q "; control socket /" mirror.messages
test "$(grep -c metrics.sock mirror.messages)" = 0
asks unix run
stop mirror
test ! -e metrics.sock

# A port; also without a control socket.
port=$(python <<'END'
import socket

s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])
END
)
rm mirror.messages
serve mirror "$MIRROR_SO" a.img b.img control=none metrics="127.0.0.1:$port"
wait_until grep -q "; no control socket" mirror.messages
if grep -q "$port" mirror.messages; then fail "it serves NBD there"; fi
asks "$port" run
stop mirror
