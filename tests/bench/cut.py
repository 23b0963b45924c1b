#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a disk that hangs for a while costs.  ("make bench")

    cut.py [ROUNDS]

The server of one of two disks is stopped for ten seconds under 200 random 4k
writes a second, in each round that of a plain array, that of an md raid1 with
regions of 64 KiB, where nearly each write needs a bit on record first, and that
of one with the regions that create gives it:

  p99     of the writes after the disk was taken out, against the same writes to
          a single disk's server, and to that server by way of nbdkit's nbd
          plugin: one more server on the way, as any mirror is one
  longest write of all: it waited for the deadline, that of flushes if it was
          for its bit
  copied  to the disk when it was back, against the regions that were dirty

They take turns; medians of the rounds and of their ratios.
"""

import json
import os
import re
import signal
import sys
import time

from measured import (MIB, MIRROR, TOOL, Server, Writer, in_scratch, need,
                      percentile, run, wait_until)
from verdict import begin_table, row

ROUNDS = int(sys.argv[1] if len(sys.argv) > 1 else
             os.environ.get("BENCH_ROUNDS", "3"))
SIZE = 256 * MIB
REGION = 64 * 1024
CUT_S = 10
TIMEOUT_S, FLUSH_TIMEOUT_S = 1, 4


def p99(sorted_values):
    return percentile(sorted_values, 99)


def disks(*names):
    for name in names:
        with open(name, "wb") as disk:
            disk.truncate(SIZE + 16 * MIB)
    return names


def examine(name):
    return json.loads(run(TOOL, "--json", "examine", name).stdout)["members"][0]


def dirty_bytes(name):
    return examine(name)["bitmap"]["dirty"] * REGION


def measure_single():
    """One disk alone: asked directly, and through another server."""
    disks("single")
    server = Server("leg", "file", "single")
    way = Server("way", "nbd", server.uri())
    result = [p99(Writer(one, CUT_S, SIZE).latencies_us()) for one in (server, way)]
    way.end()
    server.end()
    return result


def copied(log, begin):
    found = re.findall(r" Write id=.* offset=0x([0-9a-f]+) "
                       r"count=0x([0-9a-f]+)", log)
    return sum(int(count, 16) for at, count in found if int(at, 16) >= begin)


class Cut:
    """An array of a and b; b hangs."""

    def __init__(self):
        self.legs = [Server("leg-" + name, "file", name) for name in "ab"]
        self.mirror = Server("mirror", MIRROR, f"timeout={TIMEOUT_S}",
                             f"flush-timeout={FLUSH_TIMEOUT_S}", "reconnect=1",
                             *(leg.uri() for leg in self.legs))

    def measure(self):
        """The p99 without b, and the longest of all (us)."""
        writer = Writer(self.mirror, CUT_S + 1, SIZE)
        time.sleep(1)
        self.legs[1].process.send_signal(signal.SIGSTOP)
        wait_until(lambda: self.mirror.has_said("IS OUT OF THE MIRROR"))
        out = time.time()
        longest = writer.latencies_us()[-1]
        return p99(writer.latencies_us(out)), longest

    def come_back(self):
        """So many bytes are copied to b."""
        self.legs[1].end(signal.SIGKILL)
        self.legs[1] = Server("leg-b", "--filter=log", "file", "b",
                              "logfile=b.log")
        wait_until(lambda: self.mirror.has_said("is rebuilt and in sync"))
        self.end()
        with open("b.log") as log:
            moved = copied(log.read(),
                           examine("b")["data_offset_sectors"] * 512)
        os.remove("b.log")
        return moved

    def end(self):
        self.mirror.end()
        for leg in self.legs:
            leg.end(signal.SIGKILL)


def measure_plain():
    disks("a", "b")
    cut = Cut()
    result = cut.measure()
    cut.end()
    return result


def create(*options):
    run(TOOL, "create", "--yes", "--force", "--assume-clean", *options,
        "--size", str(SIZE), *disks("a", "b"))
    return Cut()


def measure_md_default():
    cut = create()
    result = cut.measure()
    cut.end()
    return result


def measure_md():
    """Also bytes copied, and bytes that were dirty."""
    cut = create("--bitmap-chunk", str(REGION))
    # A new array has all bits set.
    Writer(cut.mirror, 1, SIZE).process.wait()
    wait_until(lambda: dirty_bytes("a") == 0)
    result = cut.measure()
    dirty = dirty_bytes("a")
    return *result, cut.come_back(), dirty


def rows_of(name, ours, singles, deadline_s):
    """@ours, @singles: of each round."""
    mine = [one[0] for one in ours]
    for against, which in (("one disk alone", 0),
                           ("it through another server", 1)):
        row(f"{name}: p99 without the disk and of {against}", "us", mine,
            [one[which] for one in singles], "<= 1.20")
    row(f"{name}: the longest write and the deadline of {deadline_s} s", "us",
        [one[1] for one in ours], [deadline_s * 1e6] * ROUNDS, "<= 1.10")


def main():
    single, plain, default, md = [], [], [], []
    for _ in range(ROUNDS):
        single.append(measure_single())
        plain.append(measure_plain())
        default.append(measure_md_default())
        md.append(measure_md())
    begin_table(f"A disk that hangs for {CUT_S} s, medians of {ROUNDS} rounds:")
    rows_of("plain", plain, single, TIMEOUT_S)
    rows_of("md", default, single, FLUSH_TIMEOUT_S)
    rows_of("md, 64 KiB", md, single, FLUSH_TIMEOUT_S)
    row("md, 64 KiB: copied and dirty", "bytes", [one[2] for one in md],
        [one[3] for one in md], "<= 1.00")


need("fio", "nbdkit")
in_scratch(main)
