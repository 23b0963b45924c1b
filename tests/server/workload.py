# SPDX-License-Identifier: BSD-3-Clause
# workload stay|leave MIRROR-PID LEG-PID: all kinds of requests from four
# clients at once; in the middle of it one leg begins to fail (the file
# "broken") and another is killed, and at last the mirror is told to stop,
# before or after the clients leave.

import glob

from nbdtest import *

mirror, leg = (int(argument) for argument in sys.argv[2:])


# What a thread is called; nothing if it has just ended.
def name_of(task):
    try:
        return open(task + "/comm").read()
    except OSError:
        return None


# How many the server has; ours, and the kernel's, have names of their own.
def threads():
    process = "/proc/%d" % mirror
    return [name_of(task) for task in glob.glob(process + "/task/*")].count(
        name_of(process))


clients = [connect() for i in range(4)]
size = clients[0].get_size()
block = max(512, clients[0].get_block_size(nbd.SIZE_MINIMUM))


def ignore(*arguments):
    pass


def begin(h):
    length = random.randint(1, 256 * KiB // block) * block
    offset = random.randrange(0, size - length, block)
    fua = random.choice((0, 0, 0, nbd.CMD_FLAG_FUA))
    what = random.choice(("write", "write", "write", "read", "read", "zero",
                          "trim", "flush", "cache", "extents"))
    if what == "write":
        return aio_pwrite(h, bytes([random.randrange(256)]) * length, offset,
                          fua)
    if what == "read":
        return h.aio_pread(nbd.Buffer(length), offset)
    if what == "zero":
        hole = random.choice((0, nbd.CMD_FLAG_NO_HOLE))
        return h.aio_zero(length, offset, flags=fua | hole)
    if what == "trim":
        return h.aio_trim(length, offset, flags=fua)
    if what == "flush":
        return h.aio_flush()
    if what == "cache":
        return h.aio_cache(length, offset)
    return h.aio_block_status(length, offset, ignore)


for turn in range(30):
    if turn == 10:
        open("broken", "w").close()
    if turn == 20:
        os.kill(leg, signal.SIGKILL)
    commands = [(h, begin(h)) for i in range(8) for h in clients]
    for h, cookie in commands:
        finish(h, cookie)

# A leg is left for every chunk: all of it can be read, twice the same.
one, two = (h.pread(size, 0) for h in clients[:2])
assert one == two

if sys.argv[1] == "leave":
    for h in clients:
        h.shutdown()
    # Until nbdkit has let go of them: it frees nothing once it stops.
    while threads() > 1:
        time.sleep(0.02)
os.kill(mirror, signal.SIGTERM)
try:
    while not clients[0].aio_is_closed():
        clients[0].poll(-1)
except nbd.Error:
    pass
