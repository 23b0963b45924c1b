#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The servers of disks are killed, hang, are cut off in every way that the
proxy knows, and are there again, while fio verifies on four connections and
another client knows every block that it wrote: no client sees an error while
another copy is in sync, and in the end the copies are equal.

MIRROR_SEED chooses who is lost, and how; with LONG=1 there are 200 flaps."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading

try:
    from flaps import Flapping
except ImportError:
    print("skipped: no libnbd for", sys.executable)
    sys.exit(77)

TCP, UNIX = True, False
PROXY, DIRECT = True, False

# Who is lost: of two in turns, of three two at once.
ARRAYS = [
    ("bitmap", [("nbdkit", UNIX, PROXY), ("volatile", TCP, PROXY)]),
    ("plain", [("volatile", UNIX, PROXY), ("nbdkit", TCP, DIRECT)]),
    ("no-bitmap", [("qemu-nbd", TCP, PROXY), ("nbdkit", UNIX, DIRECT)]),
    ("bitmap", [("volatile", UNIX, DIRECT), ("qemu-nbd", TCP, DIRECT),
                ("tls", TCP, PROXY)]),
    ("plain", [("qemu-nbd", UNIX, PROXY), ("volatile", TCP, DIRECT),
               ("tls", UNIX, PROXY)]),
]


NEEDS = {"qemu-nbd": "qemu-nbd", "tls": "psktool"}


def usable(disks):
    """What there are programs for."""
    return [(kind if shutil.which(NEEDS.get(kind, "nbdkit")) else "nbdkit",
             tcp, proxied) for kind, tcp, proxied in disks]


def live(array, flaps):
    array.begin()
    while array.flaps < flaps:
        count = len(array.legs)
        array.flap(array.random.sample(range(count), count - 1))
    array.finish()


class Life(threading.Thread):
    """One array's; what went wrong."""

    def __init__(self, array, flaps):
        super().__init__()
        self.array, self.flaps, self.error = array, flaps, None

    def run(self):
        try:
            live(self.array, self.flaps)
        except BaseException as error:
            self.error = error
            print(f"{self.array.name}: {error}\n{self.array.messages()}",
                  flush=True)
        finally:
            self.array.abandon()


def main():
    if shutil.which("fio") is None or b"nbd" not in subprocess.run(
            ["fio", "--enghelp"], stdout=subprocess.PIPE).stdout:
        print("skipped: no fio with an nbd engine")
        return 77
    seed = int(os.environ.get("MIRROR_SEED", "1"))
    print("MIRROR_SEED", seed)
    chance = random.Random(seed)
    flaps = int(os.environ.get("FLAPS", "200" if os.environ.get("LONG") else
                               str(2 * len(ARRAYS))))
    with tempfile.TemporaryDirectory() as folder:
        lives = [Life(Flapping(folder, f"flaps-{i}-{kind}", chance.random(),
                               kind, usable(disks)), flaps // len(ARRAYS))
                 for i, (kind, disks) in enumerate(ARRAYS)]
        for life in lives:
            life.start()
        for life in lives:
            life.join()
    print(sum(life.array.flaps for life in lives), "flaps")
    return 1 if any(life.error is not None for life in lives) else 0


if __name__ == "__main__":
    sys.exit(main())
