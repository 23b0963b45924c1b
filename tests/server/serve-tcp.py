# SPDX-License-Identifier: BSD-3-Clause
# serve-tcp NAME NBDKIT-ARGUMENT...: becomes nbdkit on a free port of
# localhost, which is written to NAME.port.
#
# The socket is bound here and handed over, as systemd does it: nobody can
# take the port in between.

import os
import socket
import sys

name = sys.argv[1]
listener = socket.create_server(("127.0.0.1", 0))
with open(name + ".port", "w") as file:
    file.write(str(listener.getsockname()[1]))
if listener.fileno() != 3:
    os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp("nbdkit", ["nbdkit", "-f", "-P", name + ".pid"] + sys.argv[2:])
