# SPDX-License-Identifier: BSD-3-Clause
"""The mirror's side of mdlab.py: on the host, as nbdkit with the plugin."""

import os
import signal
import subprocess
import time

import nbd

from mdcontent import Failure, SECTOR, expect, pick, stamp
from mdlab import MIB, SCRATCH, examine

PLUGIN = os.environ["MIRROR_SO"]
IN_FLIGHT = 16


def wait_until(what, condition):
    limit = int(os.environ.get("MIRROR_HANG_LIMIT", 600))
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"gave up waiting for {what} after {limit} s")
        time.sleep(0.02)


class Nbdkit:
    """A server of it, as $scratch/NAME.sock."""

    def __init__(self, name, *arguments):
        name = f"{SCRATCH}/{name}"
        self.socket = name + ".sock"
        self.said = name + ".messages"
        pid = name + ".pid"
        for old in pid, self.socket:
            if os.path.exists(old):
                os.unlink(old)
        with open(self.said, "ab") as said:
            self.process = subprocess.Popen(
                ["nbdkit", "-f", "-U", self.socket, "-P", pid, *arguments],
                stdin=subprocess.DEVNULL, stderr=said)
        wait_until("a server", lambda: self.process.poll() is not None or
                   os.path.exists(pid) and os.path.getsize(pid))
        if self.process.poll() is not None:
            raise Failure(f"{name}: the server did not start:\n"
                          f"{self.messages()}")

    def uri(self):
        return f"nbd+unix:///?socket={self.socket}"

    def messages(self):
        with open(self.said, errors="replace") as stream:
            return "".join(stream.readlines()[-20:])

    def kill(self):
        """As a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def is_alive(self):
        return self.process.poll() is None


class Server(Nbdkit):
    """An array in the hands of the mirror."""

    def __init__(self, array, disks=None, options=()):
        """With these disks, or all that are its own."""
        self.array = array
        self.clients = []
        self.seen = None
        super().__init__(array.name, PLUGIN, *(disks or array.disks),
                         *options)

    def connect(self):
        """One more client; @client is the first."""
        client = nbd.NBD()
        client.connect_unix(self.socket)
        self.clients.append(client)
        self.array.has_size(client.get_size())
        return client

    @property
    def client(self):
        return self.clients[0] if self.clients else self.connect()

    def disconnect(self):
        for client in self.clients:
            try:
                client.shutdown()
            except nbd.Error:
                pass            # of a server that is gone
        self.clients = []

    def stop(self):
        """As an operator does: it ends by itself, without an error."""
        self.disconnect()
        self.process.terminate()
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired as hang:
            self.kill()
            raise Failure(f"{self.array}: the mirror did not stop in 60 s:\n"
                          f"{self.messages()}") from hang
        if status != 0:
            raise Failure(f"{self.array}: the mirror ended with {status}, "
                          f"expected 0:\n{self.messages()}")

    def kill(self):
        super().kill()
        self.disconnect()

    def abandon(self):
        if self.is_alive():
            self.kill()

    # ------------------------------------------------- its metadata

    def is_settled(self):
        """Do all members say that they are in sync?"""
        if not self.is_alive():
            raise Failure(f"{self.array}: the mirror died:\n"
                          f"{self.messages()}")
        members = examine(self.array.disks)
        self.seen = [(member["role"], member["clean"],
                      member["recovery_offset_sectors"], member["events"])
                     for member in members]
        # One that failed may have said so until it was told otherwise.
        return self.seen == [(f"active {slot}", True, None,
                              members[0]["events"])
                             for slot in range(self.array.members)]

    def settle(self):
        """Until they are.  Somebody who may write stays connected."""
        self.client.get_size()
        try:
            wait_until("in sync", self.is_settled)
        except Failure as failure:
            raise Failure(f"{self.array}: {failure}; (role, clean, recovery "
                          f"offset, events): {self.seen}\n{self.messages()}"
                          ) from failure

    # ------------------------------------------------- its data

    def verify(self, when, client=None):
        """Every sector."""
        size = len(self.array.content.now) * SECTOR
        for offset in range(0, size, MIB):
            data = (client or self.client).pread(min(MIB, size - offset),
                                                 offset)
            self.array.content.compare(f"{self.array}, {when}, read by the "
                                       f"mirror", offset // SECTOR, data)

    def write_sectors(self, first, count, flags=0):
        generation = self.array.content.write(first, count)
        self.client.pwrite(stamp(first, [generation] * count),
                           first * SECTOR, flags)

    def fill(self):
        """A new stamp everywhere."""
        total = len(self.array.content.now)
        for first in range(0, total, MIB // SECTOR):
            self.write_sectors(first, min(MIB // SECTOR, total - first))
        self.client.flush()

    def scribble(self, chance, rounds, within=None, after=None):
        """Random writes, zeroes and trims by two clients, many at a time;
        within these [(first, count)] only, or everywhere.  Returns where.
        @after: (so many were acknowledged, call this).  If that kills the
        server, what was under way may or may not be there."""
        content = self.array.content
        ranges = within or [(0, len(content.now))]
        while len(self.clients) < 2:
            self.connect()
        done, acknowledged = [], 0
        for _ in range(rounds):
            flying = self.launch(chance, ranges)
            done += [(one.first, one.count) for one in flying]
            while flying:
                for client in self.clients:
                    client.poll(1)
                for one in [one for one in flying if one.has_ended()]:
                    one.settle(content)
                    flying.remove(one)
                    acknowledged += 1
                    if after and acknowledged == after[0]:
                        after[1]()
                    if not self.is_alive():
                        for lost in flying:
                            lost.is_lost(content)
                        return done
            if chance.randrange(4) == 0:
                chance.choice(self.clients).flush()
        if after and acknowledged < after[0]:
            raise Failure(f"{self.array}: {acknowledged} writes, expected "
                          f"{after[0]} at least")
        self.client.flush()
        return done

    def launch(self, chance, ranges):
        """Some commands at once, which do not overlap."""
        flying, taken = [], []
        for _ in range(IN_FLIGHT):
            first, count = pick(chance, ranges, 256)
            if any(first < other + size and other < first + count
                   for other, size in taken):
                continue
            taken.append((first, count))
            kind = chance.randrange(10)
            flying.append(Command(
                chance.choice(self.clients), self.array.content, first, count,
                "zero" if kind == 0 else "trim" if kind == 1 else "write",
                nbd.CMD_FLAG_FUA if chance.randrange(5) == 0 else 0))
        return flying


class Command:
    """A write, zero or trim on its way."""

    def __init__(self, client, content, first, count, kind, flags):
        self.client, self.first, self.count = client, first, count
        self.kind, self.generation = kind, 0
        offset, length = first * SECTOR, count * SECTOR
        if kind == "write":
            content.last += 1
            self.generation = content.last
            # Kept here until the end.
            self.buffer = nbd.Buffer.from_bytearray(bytearray(
                stamp(first, [self.generation] * count)))
            self.cookie = client.aio_pwrite(self.buffer, offset, flags=flags)
        elif kind == "zero":
            self.cookie = client.aio_zero(length, offset, flags=flags)
        else:
            self.cookie = client.aio_trim(length, offset, flags=flags)

    def has_ended(self):
        return self.client.aio_command_completed(self.cookie)

    def settle(self, content):
        """It was acknowledged.  A trim may have done nothing."""
        if self.kind == "trim":
            self.is_lost(content)
        else:
            content.is_written(self.first, self.count, self.generation)

    def is_lost(self, content):
        content.may_be_written(self.first, self.count, self.generation)
