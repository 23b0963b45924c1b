# SPDX-License-Identifier: BSD-3-Clause
# lossy NAME: another network, and a link to it that loses packets by command.
#
# To be run where it may make networks (unshare -Urn).  Its own end is
# 10.77.0.1 in the network where it is started, the other one 10.77.0.2 in a new
# network, which lives as long as it does: nsenter --net=/proc/PID/ns/net.
# Writes NAME.pid when it is ready.  Commands come by the FIFO NAME.commands and
# are answered by NAME.answers, as proxy.py does it:
#
#   lose PERCENT     of the packets from now on, in both directions
#   disorder PERCENT arrive up to 20 ms later, behind others
#
# MIRROR_SEED chooses which.

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
PACKET = 65536
LATE_S = 0.02


def interface(name, address):
    """In the network of this process, which reads and writes its packets."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(tun, TUNSETIFF,
                struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    for words in (["addr", "add", address + "/30", "dev", name],
                  ["link", "set", name, "up"], ["link", "set", "lo", "up"]):
        subprocess.run(["ip", *words], check=True)
    return tun


def enter_new_network():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit("unshare: " + os.strerror(ctypes.get_errno()))


class Link:
    def __init__(self, near, far, seed):
        self.other = {near: far, far: near}
        self.random = random.Random(seed)
        self.lost = self.late = 0
        self.held = []          # (when, a number, where to, packet)
        self.count = 0

    def send(self, tun, packet):
        try:
            os.write(tun, packet)
        except BlockingIOError:
            pass                # full: it is lost

    def forward(self, tun):
        packet = os.read(tun, PACKET)
        self.count += 1
        if self.random.random() * 100 < self.lost:
            return
        if self.random.random() * 100 < self.late:
            due = time.monotonic() + self.random.random() * LATE_S
            heapq.heappush(self.held,
                           (due, self.count, self.other[tun], packet))
        else:
            self.send(self.other[tun], packet)

    def release(self):
        """What is due; and the seconds until the next is."""
        now = time.monotonic()
        while self.held and self.held[0][0] <= now:
            _, _, tun, packet = heapq.heappop(self.held)
            self.send(tun, packet)
        return self.held[0][0] - now if self.held else None

    def command(self, words):
        if len(words) != 2 or words[0] not in ("lose", "disorder"):
            return "unknown"
        if words[0] == "lose":
            self.lost = float(words[1])
        else:
            self.late = float(words[1])
        return "done"


def main(name):
    near = interface("lossy0", "10.77.0.1")
    enter_new_network()
    far = interface("lossy1", "10.77.0.2")
    link = Link(near, far, os.environ.get("MIRROR_SEED", "1"))
    for end in "commands", "answers":
        os.mkfifo(f"{name}.{end}")
    commands = os.open(name + ".commands", os.O_RDWR)
    with open(name + ".pid", "w") as file:
        file.write(f"{os.getpid()}\n")
    while True:
        ready, _, _ = select.select([near, far, commands], [], [],
                                    link.release())
        for tun in near, far:
            if tun in ready:
                link.forward(tun)
        if commands in ready:
            answer = link.command(os.read(commands, 4096).decode().split())
            with open(name + ".answers", "w") as answers:
                answers.write(answer + "\n")


main(sys.argv[1])
