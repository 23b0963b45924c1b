# SPDX-License-Identifier: BSD-3-Clause
"""wholelife: an array with a real server, a client that knows what it wrote,
and orders given with nbdmirror."""

import fcntl
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time

import nbd

HANG_LIMIT = int(os.environ.get("MIRROR_HANG_LIMIT", "600"))
MIB = 1 << 20
BLOCK = 4096
SIZE = 48 * MIB  # of the array that is used
QUARTER = 10 * MIB  # of each of fio's jobs; the client has what is behind
F_OFD_GETLK = 36
UNLIMITED = "100G"
SLOW = "3M"


def wait_until(what, done):
    deadline = time.monotonic() + HANG_LIMIT
    while not done():
        if time.monotonic() > deadline:
            sys.exit(f"gave up waiting: {what}")
        time.sleep(0.02)


def is_locked(path):
    with open(path, "r+b") as file:
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        lock = fcntl.fcntl(file, F_OFD_GETLK, lock)
    return struct.unpack("hhqqi4x", lock)[0] != fcntl.F_UNLCK


class Client:
    """Writes blocks, each time with a number that was never used before.  What
    was acknowledged stays; what was under way at a crash may be there."""

    def __init__(self, uri, seed):
        self.uri = uri
        self.random = random.Random(seed)
        self.number = 0
        self.known = None  # block -> the numbers that it may have
        self.thread = None
        self.error = None

    @staticmethod
    def data(number):
        return b"%016d" % number * (BLOCK // 16)

    def begin(self):
        self.leaving = False
        self.error = None
        self.handle = nbd.NBD()
        self.handle.connect_uri(self.uri)
        if self.known is None:
            self.fill()
        self.verify()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def fill(self):
        """So that there is something to copy."""
        for offset in range(0, SIZE, MIB):
            self.handle.pwrite(self.data(0) * (MIB // BLOCK), offset)
        self.known = {block: {0} for block in range(4 * QUARTER // BLOCK,
                                                    SIZE // BLOCK)}

    def work(self):
        blocks = list(self.known)
        try:
            while not self.leaving:
                block = self.random.choice(blocks)
                self.number += 1
                self.known[block].add(self.number)
                self.handle.pwrite(self.data(self.number), block * BLOCK)
                self.known[block] = {self.number}
                if self.random.random() < 0.02:
                    self.handle.flush()
                self.check(self.random.choice(blocks))
        except nbd.Error as error:
            self.error = error

    def check(self, block):
        seen = self.handle.pread(BLOCK, block * BLOCK)
        numbers = [number for number in self.known[block]
                   if seen == self.data(number)]
        if not numbers:
            print(f"block {block} has {seen[:16]!r}, not one of "
                  f"{self.known[block]}")
            # The main thread ends it all.
            os.kill(os.getpid(), signal.SIGINT)
            self.leaving = True
            return
        self.known[block] = set(numbers)

    def verify(self):
        for block in self.known:
            self.check(block)

    def end(self, crashed=False):
        self.leaving = True
        self.thread.join()
        if self.error is not None and not crashed:
            sys.exit(f"the client saw an error: {self.error}")
        if not crashed:
            self.verify()
            self.handle.shutdown()


class Fio:
    """Four connections that verify what they wrote."""

    def __init__(self, uri, log, loops=1000, rate=3 * MIB):
        """@rate: bytes a second of each of the four."""
        self.log = log
        self.process = subprocess.Popen(
            ["fio", "--name=life", "--ioengine=nbd", f"--uri={uri}",
             "--thread", "--numjobs=4", f"--size={QUARTER}",
             f"--offset_increment={QUARTER}", "--rw=randwrite",
             "--bsrange=4k-32k", "--iodepth=8", "--serialize_overlap=1",
             f"--rate={rate}", f"--loops={loops}", "--verify=crc32c",
             "--verify_backlog=64", "--verify_state_save=0",
             "--verify_fatal=1", "--end_fsync=1",
             "--output-format=json", f"--output={log}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)

    def end(self, crashed=False):
        """All that it did until now was without an error."""
        if not crashed and self.process.poll() is not None:
            sys.exit(f"fio has ended with {self.process.returncode}: "
                     f"{self.text()}")
        # It tries for ever to speak to a server that is gone.
        self.process.send_signal(signal.SIGKILL if crashed else signal.SIGINT)
        self.process.wait()
        if not crashed:
            self.check()

    def check(self):
        """How many blocks it has read again."""
        text = self.text()
        seen = json.loads(text[text.index("{"):])["jobs"]
        if [job["error"] for job in seen] != [0] * 4:
            sys.exit(f"fio: {text}")
        return sum(job["read"]["total_ios"] for job in seen)

    def text(self):
        with open(self.log) as file:
            return file.read()


class Array:
    """The array, its server and its clients."""

    rate = 3 * MIB  # of fio

    def __init__(self, folder, name, seed, layout, count):
        self.folder, self.name, self.layout = folder, name, layout
        self.random = random.Random(seed)
        self.socket = self.path("socket")
        self.uri = f"nbd+unix:///?socket={self.socket}"
        self.client = Client(self.uri, seed)
        self.disks = [self.path(f"disk{i}") for i in range(count + 3)]
        self.count = count
        self.server = self.fio = None
        for path in self.disks:
            with open(path, "wb") as file:
                file.truncate(SIZE + 8 * MIB)
        options = [] if layout is None else ["-l", "10", "-p", layout,
                                             "-c", "64K"]
        used = SIZE if layout is None else SIZE * 2 // count
        self.tool("create", "--yes", "--name", name, "--size", str(used),
                  *options, *self.disks[:count])
        self.members = self.disks[:count]

    def path(self, name):
        return os.path.join(self.folder, f"{self.name}.{name}")

    def tool(self, *words, status=(0,)):
        done = subprocess.run([os.environ["NBDMIRROR"], *words],
                              stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode not in status:
            sys.exit(f"{self.name}: nbdmirror {' '.join(words)}: "
                     f"{done.returncode}\n{done.stdout}{done.stderr}"
                     f"{self.messages()}")
        return done

    # ---------------------------------------------------------- the server

    def start(self, *options):
        for entry in "socket", "pid":
            if os.path.exists(self.path(entry)):
                os.unlink(self.path(entry))
        self.log = open(self.path("messages"), "a")
        self.server = subprocess.Popen(
            ["nbdkit", "-f", "-U", self.socket, "-P", self.path("pid"),
             os.environ["MIRROR_SO"], f"control={self.path('control')}",
             *options, *self.members],
            stdout=self.log, stderr=self.log)
        wait_until("the server starts", lambda: os.path.exists(
            self.path("pid")) or self.server.poll() is not None)
        if self.server.poll() is not None:
            sys.exit(f"{self.name}: no start with {self.members}: "
                     f"{self.messages()}")
        self.client.begin()
        self.fio = Fio(self.uri, self.path("fio"), rate=self.rate)
        wait_until("fio connects", lambda: self.fio.process.poll() is not None
                   or self.status()["array"]["clients"] > 4)

    def verify(self):
        """Each of fio's blocks is written once more, and read."""
        self.fio = Fio(self.uri, self.path("fio"), loops=1)
        self.fio.process.wait()
        if self.fio.process.returncode != 0 or self.fio.check() == 0:
            sys.exit(f"fio: {self.fio.text()}")

    def messages(self):
        with open(self.path("messages")) as file:
            return file.read()[-4000:]

    def stop(self, how=None):
        """@how: a signal for the server while all clients are at work."""
        if how is None:
            self.client.end()
            self.fio.end()
            self.verify()
            self.order("stop")
        else:
            self.server.send_signal(how)
        self.server.wait()
        if how is not None:
            self.client.end(crashed=True)
            self.fio.end(crashed=True)
        # What io_uring has under way keeps files open for a moment longer than
        # the process lives.
        wait_until("the disks are free", lambda: not any(
            is_locked(path) for path in self.disks))
        self.log.close()

    def abandon(self):
        for process in self.server, self.fio and self.fio.process:
            if process is not None:
                process.kill()
                process.wait()
        self.client.leaving = True

    # ------------------------------------------------------------- orders

    def order(self, verb, *words, refused=()):
        """False: refused, with one of these codes."""
        done = self.tool("--yes", verb, self.path("control"), *words,
                         status=(0, 1) if refused else (0,))
        if done.returncode != 0 and not any(f": {code}: " in done.stderr
                                            for code in refused):
            sys.exit(f"{verb} {words}: {done.stderr}")
        return done.returncode == 0

    def pace(self, what):
        if what in ("pause", "resume"):
            self.tool("rebuild", what, self.path("control"))
        else:
            self.tool("rebuild", "rate", "--min", "1M" if what == SLOW
                      else what, "--max", what, self.path("control"))

    def status(self):
        done = self.tool("--json", "status", self.path("control"),
                         status=(0, 4, 5))
        status, = json.loads(done.stdout)["arrays"]
        return status

    def learn(self):
        """Who the members are, for the next start."""
        status = self.status()
        self.members = [member["disk"] for member in status["members"]
                        if member["disk"] is not None]
        return status

    def states(self):
        return {member["disk"]: member["state"]
                for member in self.learn()["members"]
                if member["disk"] is not None}

    def wait_state(self, disk, states):
        wait_until(f"{disk} becomes {states}",
                   lambda: self.states().get(disk) in states)

    def disks_in(self, state):
        return [disk for disk, seen in self.states().items() if seen == state]

    def free(self):
        """A disk that is no member, and holds whatever it did."""
        members = self.states()
        return self.random.choice([disk for disk in self.disks
                                   if disk not in members])

    def take(self, disk, *order):
        """It may have been a member before, which does not fit any more."""
        if not self.order(*order, disk, "--discard",
                          refused=("slot-taken", "replacement",
                                   "bitmap-differs")):
            self.tool("erase", "--yes", "--no-backup", disk)
            self.order(*order, disk, "--discard")
        return disk

    def can_lose(self, disk):
        """Asked without doing it."""
        done = self.tool("--dry-run", "fail", self.path("control"), disk,
                         status=(0, 1))
        return done.returncode == 0

    def lose(self, remove):
        """A disk that may go; it."""
        disk = self.random.choice([disk for disk in self.disks_in("in-sync")
                                   if self.can_lose(disk)])
        self.order("fail", disk)
        if remove:
            self.order("remove", disk)
        return disk

    def wait_progress(self):
        """What is copied has begun, and is stopped in the middle."""
        self.pace(SLOW)
        self.pace("resume")

        def begun():
            activity = self.status()["activity"]
            return activity is None or activity["bytes_done"] > 0
        wait_until("something is copied", begun)
        self.pace("pause")

    def wait_writes(self):
        """The client has written something."""
        number = self.client.number
        wait_until("writes", lambda: self.client.number > number + 20
                   or self.client.error)

    def forget_failed(self):
        for disk in self.disks_in("failed"):
            self.order("remove", disk)

    def heal(self):
        """Everything is in sync again."""
        self.pace(UNLIMITED)
        self.pace("resume")
        self.forget_failed()
        for _ in range(self.status()["array"]["slots"]):
            if not any(reason["code"] == "disk-missing"
                       for reason in self.status()["reasons"]):
                break
            self.take(self.free(), "add")
        self.tool("wait", self.path("control"))
        self.forget_failed()  # those that were replaced
        status = self.learn()
        if len(status["members"]) != self.count or status["reasons"]:
            sys.exit(f"not healed: {json.dumps(status, indent=1)}")

    def compare(self):
        """Each copy on the disks is the same; nobody has them."""
        done = self.tool("--json", "assemble", "--dry-run", *self.members)
        if json.loads(done.stdout)["result"] != "start":
            sys.exit(done.stdout)
        for group in self.groups():
            first, *others = (self.data_of(disk) for disk in group)
            for other in others:
                if other != first:
                    sys.exit(f"{self.name}: {group} differ")

    def groups(self):
        members = json.loads(self.tool("--json", "examine",
                                       *self.members).stdout)["members"]
        places = sorted((int(one["role"].split()[1]), path)
                        for one, path in zip(members, self.members))
        ordered = [path for _, path in places]
        if members[0]["array"]["level"] == "raid1":
            return [ordered]
        return [ordered[i:i + 2] for i in range(0, len(ordered), 2)]

    def data_of(self, path):
        member, = json.loads(self.tool("--json", "examine",
                                       path).stdout)["members"]
        with open(path, "rb") as file:
            file.seek(member["data_offset_sectors"] * 512)
            return file.read(member["used_sectors"] * 512)
