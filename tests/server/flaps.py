# SPDX-License-Identifier: BSD-3-Clause
"""flaps: arrays whose disks are servers that go away and come back, each in a
way of its own, while fio and a client that knows what it wrote are at work."""

import os
import random
import signal
import socket
import subprocess
import sys

from wholelife import Array, Client, MIB, SIZE, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))


class Server:
    """Serves one image: nbdkit; "tls", which is that with a key in PATH.psk;
    "volatile", which loses what was not flushed when it is killed; "filling",
    which is full when there is PATH.full; or qemu-nbd.  On a Unix socket, or on
    a port of localhost that remains its own while it is dead."""

    def __init__(self, path, kind, tcp):
        self.path, self.kind = path, kind
        self.image = path + ".img"
        self.process = self.listener = None
        if kind == "tls":
            subprocess.run(["psktool", "-u", "alice", "-p", path + ".psk"],
                           check=True, stdout=subprocess.DEVNULL)
        if tcp:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.target = str(self.listener.getsockname()[1])
        else:
            self.target = path + ".sock"

    def uri_at(self, target):
        """When it is reached at this port or socket."""
        scheme, user, key = "nbd", "", []
        if self.kind == "tls":
            scheme, user = "nbds", "alice@"
            key = [f"tls-psk-file={self.path}.psk"]
        if target.isdigit():
            return f"{scheme}://{user}localhost:{target}/?{'&'.join(key)}"
        return (f"{scheme}+unix://{user}/?"
                + "&".join([f"socket={target}", *key]))

    def words(self):
        unix = self.listener is None
        if self.kind == "qemu-nbd":
            return ["qemu-nbd", "--persistent", "--shared=0", "--format=raw",
                    "--pid-file=" + self.path + ".pid",
                    *(["--socket=" + self.target] if unix else []), self.image]
        options, parameters = {
            "nbdkit": ([], []),
            "tls": (["--tls=require", f"--tls-psk={self.path}.psk"], []),
            "volatile": (["--filter=cache"], ["cache=writeback"]),
            "filling": (["--filter=error"],
                        ["error=ENOSPC", "error-pwrite-rate=100%",
                         "error-zero-rate=100%",
                         f"error-file={self.path}.full"]),
        }[self.kind]
        return ["nbdkit", "-f", "-P", self.path + ".pid",
                *(["-U", self.target] if unix else []), *options, "file",
                self.image, *parameters]

    def start(self):
        for path in self.path + ".pid", self.path + ".sock":
            if os.path.exists(path):
                os.unlink(path)
        if self.listener is not None:
            self.listener.listen(64)
        with open(self.path + ".messages", "a") as log:
            self.process = subprocess.Popen(
                self.words(), stdout=log, stderr=log, close_fds=False,
                preexec_fn=self.hand_over)
        wait_until(f"{self.path} serves", lambda: self.process.poll() is not None
                   or os.path.exists(self.path + ".pid"))
        if self.process.poll() is not None:
            sys.exit(f"{self.words()} does not start")

    def hand_over(self):
        if self.listener is not None:
            os.dup2(self.listener.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait()

    def signal(self, how):
        self.process.send_signal(how)

    def supervise(self):
        """Old versions of nbdkit end when a client leaves at a bad moment."""
        if self.process.poll() is not None:
            self.start()


class Proxy:
    """tests/server/proxy.py in front of it."""

    def __init__(self, path, target, tcp):
        self.path = path
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "proxy.py"), path, target,
             *(["tcp"] if tcp else [])])
        wait_until("the proxy", lambda: os.path.exists(path + ".pid"))
        self.target = path + ".sock"
        if tcp:
            with open(path + ".port") as file:
                self.target = file.read().strip()

    def do(self, command):
        with open(self.path + ".commands", "w") as commands:
            commands.write(command + "\n")
        with open(self.path + ".answers") as answers:
            answer = answers.readline().strip()
        if answer not in ("done", "nothing to deliver"):
            sys.exit(f"proxy: {command}: {answer}")


class Disk:
    """A server, and perhaps a proxy before it; how it is lost, and how it is
    there again."""

    def __init__(self, path, kind, tcp, proxied):
        self.server = Server(path, kind, tcp)
        self.proxy = None
        self.image = self.server.image
        with open(self.image, "wb") as file:
            file.truncate(SIZE + 8 * MIB)
        self.path, self.tcp, self.proxied = path, tcp, proxied

    def start(self):
        self.server.start()
        if self.proxied:
            self.proxy = Proxy(self.path + ".proxy", self.server.target,
                               self.tcp)
        self.uri = self.server.uri_at((self.proxy or self.server).target)

    def abandon(self):
        for process in self.server.process, self.proxy and self.proxy.process:
            if process is not None:
                process.kill()
                process.wait()

    # Each returns what makes it well again.

    def killed(self):
        self.server.end(signal.SIGKILL)
        return self.server.start

    def ended(self):
        """Some servers wait for their clients."""
        self.server.signal(signal.SIGTERM)
        return self.killed_later

    def killed_later(self):
        self.server.end(signal.SIGKILL)
        self.server.start()

    def hung(self):
        self.server.signal(signal.SIGSTOP)
        return lambda: self.server.signal(signal.SIGCONT)

    def hung_and_killed(self):
        self.server.signal(signal.SIGSTOP)
        return self.killed_later

    def spoilt(self, *commands, then=("pass",)):
        for command in commands:
            self.proxy.do(command)

        def again():
            for command in then:
                self.proxy.do(command)
        return again

    def cut_in_reply(self, chance):
        return self.spoilt(f"reset-after {chance.randrange(1, 20000)}")

    def half_open(self):
        return self.spoilt("freeze", then=("close", "pass"))

    def thawed(self):
        return self.spoilt("freeze")

    def one_way(self, chance):
        return self.spoilt("drop " + chance.choice(["up", "down"]),
                           then=("close", "pass"))

    def dripping(self):
        return self.spoilt("drip 300", then=("close", "pass"))

    def closed(self):
        return self.spoilt("refuse", "close", then=("listen",))

    def reset(self):
        return self.spoilt("refuse", "reset", then=("listen",))

    def late(self):
        """What it was sent is carried out after it was let in again."""
        self.proxy.do("hold up")

        def again():
            self.proxy.do("pass")
            return lambda: self.proxy.do("deliver")
        return again

    def lose(self, chance):
        """In one of these ways.  (What it was, what makes it well.)"""
        ways = ["killed", "ended", "hung", "hung_and_killed"]
        if self.proxied:
            ways += ["cut_in_reply", "half_open", "thawed", "one_way",
                     "dripping", "closed", "reset", "late"]
        way = chance.choice(ways)
        method = getattr(self, way)
        return way, (method(chance) if way in ("cut_in_reply", "one_way")
                     else method())


class Flapping(Array):
    """@kind: "bitmap", "no-bitmap" or "plain"."""

    rate = 1 * MIB

    def __init__(self, folder, name, seed, kind, disks):
        self.folder, self.name, self.layout = folder, name, None
        self.kind = kind
        self.random = random.Random(seed)
        self.socket = self.path("socket")
        self.uri = f"nbd+unix:///?socket={self.socket}"
        self.client = Client(self.uri, seed)
        self.server = self.fio = None
        self.flaps = 0
        self.legs = [Disk(self.path(f"disk{i}"), *disk)
                     for i, disk in enumerate(disks)]
        self.disks = []  # of ours nobody may have: servers have them
        self.images = [leg.image for leg in self.legs]
        if kind != "plain":
            self.tool("create", "--yes", "--assume-clean", "--name", name,
                      "--size", str(SIZE),
                      *(["--bitmap=none"] if kind == "no-bitmap" else
                        ["--bitmap-chunk=64K"]), *self.images)

    def begin(self, *options):
        for leg in self.legs:
            leg.start()
        self.members = [leg.uri for leg in self.legs]
        self.start("reconnect=1", "timeout=1", "sync_min=100G",
                   "sync_max=100G", *options)

    def states(self):
        """Also of those that are not there."""
        return {member["slot"]: member["state"]
                for member in self.status()["members"]}

    def times_out(self, slot):
        """So often it was taken out."""
        with open(self.path("messages")) as file:
            return file.read().count(f"(slot {slot}) IS OUT OF THE MIRROR")

    def check(self):
        if self.client.error is not None:
            sys.exit(f"{self.name}: the client saw an error: "
                     f"{self.client.error}")
        if self.fio.process.poll() is not None:
            sys.exit(f"{self.name}: fio: {self.fio.text()}")

    def flap(self, slots):
        """Those go, one after the other, and come back."""
        agains, later = [], []
        for slot in slots:
            times = self.times_out(slot)
            way, again = self.legs[slot].lose(self.random)
            print(f"{self.name}: {slot} {way}", flush=True)
            agains.append(again)
            wait_until(f"{slot} is out: {way}",
                       lambda: self.times_out(slot) > times)
            self.flaps += 1
            if self.random.random() < 0.7:
                self.wait_writes()
        for again in agains:
            later.append(again())
        self.wait_slots(slots, ("in-sync", "recovering"))
        for late in later:
            if late is not None:
                late()
        self.wait_slots(slots, ("in-sync",))
        self.check()

    def wait_slots(self, slots, states):
        def are_there():
            for slot in slots:
                self.legs[slot].server.supervise()
            seen = self.states()
            return all(seen.get(slot) in states for slot in slots)
        wait_until(f"{slots} become {states}", are_there)

    def compare(self):
        if self.kind != "plain":
            self.members = self.images
            super().compare()
            return
        contents = []
        for path in self.images:
            with open(path, "rb") as file:
                contents.append(file.read())
        if any(content != contents[0] for content in contents):
            sys.exit(f"{self.name}: the disks differ")

    def finish(self):
        self.stop()
        for leg in self.legs:
            leg.server.end(signal.SIGKILL)
        self.compare()

    def abandon(self):
        super().abandon()
        for leg in self.legs:
            leg.abandon()
