#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A leg's connection dies in the hands of those who send: every write is
# answered, once, and the server lives on.

. "$(dirname "$0")/functions.sh"
requires_libnbd

# libnbd 1.14 then returns the cookie of a command that it has freed; this
# makes of it the -1 of a command that was refused.
export MALLOC_PERTURB_=255 GLIBC_TUNABLES=glibc.malloc.tcache_count=0
disk 16M a.img b.img
serve b file b.img
for _ in 1 2 3 4 5 6 7 8; do
  serve a file a.img
  serve_mirror "$(uri a)" "$(uri b)"
  python "${server[mirror]}" "${server[a]}" <<'END'
from nbdtest import *

mirror, leg = (int(argument) for argument in sys.argv[1:])
clients = [connect() for i in range(8)]
# The leg is gone before the mirror's next step, whoever takes it.
os.kill(mirror, signal.SIGSTOP)
writes = [(h, aio_pwrite(h, b"x" * 65536, 65536 * i))
          for i, h in enumerate(clients)]
os.kill(leg, signal.SIGKILL)
while os.path.exists("/proc/%d/exe" % leg):
    time.sleep(0.001)
os.kill(mirror, signal.SIGCONT)
for h, cookie in writes:
    finish(h, cookie)
END
  killed a
  stop mirror
done
said 8 "a.sock.*OUT OF THE MIRROR"
