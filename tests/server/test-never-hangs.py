#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two to four disks, each of which is well, hung, flapping, full or being
rebuilt, in every combination, with the smallest pool there is: 16 requests in
flight go on, with errors if it must be; the server answers what is asked of it,
and ends when it is told to.  How long that took at most is printed; that it
ends at all is what is judged.

MIRROR_SEED chooses some of the combinations; with LONG=1 it is all of them."""

import concurrent.futures
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

try:
    import nbd
    from flaps import Disk
except ImportError:
    print("skipped: no libnbd for", sys.executable)
    sys.exit(77)
from wholelife import SIZE, wait_until

STATES = ("well", "hung", "flapping", "full", "rebuilt")
TIMEOUT, FLUSH_TIMEOUT = 1, 2
# What FLOWS.md says of a stop: drained, then forced, then the clients.
BOUND = 2 * FLUSH_TIMEOUT + 1 + 1 + 1
IN_FLIGHT = 16
MEANWHILE = 300


class Client(threading.Thread):
    """So many requests in flight, whatever comes of them, until it ends."""

    def __init__(self, uri, seed):
        super().__init__(daemon=True)
        self.random = random.Random(seed)
        self.answers = self.errors = 0
        self.handle = nbd.NBD()
        self.handle.connect_uri(uri)
        self.failure = None

    def issue(self):
        offset = self.random.randrange(SIZE // 4096) * 4096
        kind = self.random.random()
        if kind < 0.5:
            return self.handle.aio_pwrite(nbd.Buffer.from_bytearray(
                bytearray(self.random.randbytes(4096))), offset)
        if kind < 0.95:
            return self.handle.aio_pread(nbd.Buffer(4096), offset)
        return self.handle.aio_flush()

    def is_answered(self, cookie):
        try:
            done = self.handle.aio_command_completed(cookie)
        except nbd.Error:
            self.errors += 1
            done = True
        self.answers += done
        return done

    def run(self):
        flying = []
        try:
            while not (self.handle.aio_is_dead()
                       or self.handle.aio_is_closed()):
                while len(flying) < IN_FLIGHT:
                    flying.append(self.issue())
                self.handle.poll(100)
                flying = [cookie for cookie in flying
                          if not self.is_answered(cookie)]
        except nbd.Error as error:      # the connection is over
            self.failure = error


class Flapper(threading.Thread):
    """Its connections are reset, again and again."""

    def __init__(self, disk):
        super().__init__(daemon=True)
        self.disk = disk
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            self.disk.proxy.do("reset")
            self.disk.server.supervise()


class World:
    def __init__(self, folder, states, seed):
        self.states, self.random = states, random.Random(seed)
        self.path = os.path.join(folder, "-".join(states))
        self.disks = [Disk(f"{self.path}.disk{i}", "filling", False, True)
                      for i in range(len(states))]
        self.flappers = []
        self.server = None

    def tool(self, *words, status=(0,)):
        done = subprocess.run([os.environ["NBDMIRROR"], *words],
                              stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode not in status:
            sys.exit(f"nbdmirror {words}: {done.returncode}: {done.stderr}")

    def ask_status(self):
        self.tool("status", self.path + ".control", status=(0, 4, 5))

    def start(self):
        self.tool("create", "--yes", "--assume-clean", "--size", str(SIZE),
                  *(disk.image for disk in self.disks))
        for disk in self.disks:
            disk.start()
        with open(self.path + ".messages", "w") as log:
            self.server = subprocess.Popen(
                ["nbdkit", "-f", "-U", self.path + ".socket", "-P",
                 self.path + ".pid", os.environ["MIRROR_SO"],
                 f"control={self.path}.control", f"pool={len(self.disks)}",
                 f"timeout={TIMEOUT}", f"flush-timeout={FLUSH_TIMEOUT}",
                 "reconnect=1", *(disk.uri for disk in self.disks)],
                stdout=log, stderr=log)
        wait_until("the server starts", lambda: os.path.exists(
            self.path + ".pid") or self.server.poll() is not None)
        self.client = Client(f"nbd+unix:///?socket={self.path}.socket",
                             self.random.random())
        self.client.start()
        self.wait_answers()

    def wait_answers(self):
        before = self.client.answers
        wait_until("answers", lambda: self.client.answers > before + MEANWHILE
                   or not self.client.is_alive())
        if not self.client.is_alive():
            sys.exit(f"the client was lost: {self.client.failure}")

    def spoil(self, disk, state):
        if state == "hung":
            disk.server.signal(signal.SIGSTOP)
        elif state == "full":
            open(disk.path + ".full", "w").close()
        elif state == "flapping":
            self.flappers.append(Flapper(disk))
            self.flappers[-1].start()
        elif state == "rebuilt":    # the last copy is not let go
            control = self.path + ".control"
            self.tool("rebuild", "pause", control)
            self.tool("--yes", "fail", control, disk.uri, status=(0, 1))
            self.tool("--yes", "readd", control, disk.uri, "--discard",
                      status=(0, 1))

    def stop(self):
        """How many seconds it took."""
        begin = time.monotonic()
        self.server.send_signal(signal.SIGTERM)
        wait_until("the server ends", lambda: self.server.poll() is not None)
        took = time.monotonic() - begin
        if self.server.returncode != 0:
            sys.exit(f"the server ended with {self.server.returncode}")
        self.client.join()
        return took

    def live(self):
        self.start()
        order = sorted(range(len(self.states)), reverse=True,
                       key=lambda i: self.states[i] == "rebuilt")
        for i in order:
            self.spoil(self.disks[i], self.states[i])
        self.ask_status()
        # Else it is told to end before deadlines have passed.
        if self.random.random() < 0.5:
            self.wait_answers()
            self.ask_status()
        return self.stop()

    def abandon(self):
        for flapper in self.flappers:
            flapper.over.set()
            flapper.join()
        if self.server is not None:
            self.server.kill()
            self.server.wait()
        for disk in self.disks:
            disk.abandon()
            os.unlink(disk.image)


def run(folder, states, seed):
    world = World(folder, states, seed)
    try:
        return world.live()
    except BaseException as error:
        with open(world.path + ".messages") as file:
            print(f"{states}: {error}\n{file.read()[-4000:]}", flush=True)
        return None
    finally:
        world.abandon()


def main():
    seed = int(os.environ.get("MIRROR_SEED", "1"))
    print("MIRROR_SEED", seed)
    chance = random.Random(seed)
    worlds = [states for count in (2, 3, 4)
              for states in itertools.combinations_with_replacement(STATES,
                                                                    count)]
    if not os.environ.get("LONG"):
        worlds = chance.sample(worlds, 10)
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(4) as together:
        tasks = [together.submit(run, folder, states, chance.random())
                 for states in worlds]
        times = [task.result() for task in tasks]
    for states, took in zip(worlds, times):
        print(" ".join(states), "hung" if took is None else f"{took:.1f} s")
    if None in times:
        return 1
    print(f"{len(worlds)} combinations; a stop took up to {max(times):.1f} s, "
          f"{BOUND} s are stated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
