#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg's server that is frozen, or no NBD server at all, when the mirror
# starts: it is refused after the timeout, instead of keeping us for ever.

. "$(dirname "$0")/functions.sh"

disk 1M a.img b.img
serve b file b.img
freeze b
refused "disk .*b.sock: no answer within 1 s; check the server" \
  a.img "$(uri b)" timeout=1

"$PYTHON" - <<'END' &
import socket

listener = socket.socket(socket.AF_UNIX)
listener.bind("other.sock")
listener.listen()
client = listener.accept()[0]
client.sendall(b"220 mail.example.com ESMTP\r\n")
client.recv(1000)
END
wait_until test -S other.sock
refused "disk .*other.sock: cannot connect: .*is this an NBD server" \
  a.img "$(uri other)"
