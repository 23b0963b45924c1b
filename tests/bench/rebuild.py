#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a rebuild costs, and how fast it is.  ("make bench")

    rebuild.py [ROUNDS]

An md raid1 whose second disk is new, in each round:

  full data     against a plain copy of the one member to the other (dd with
                blocks of 1 MiB, and a flush at the end)
  sparse        a member with little data, against a full one as large
  20 ms away    the new disk is behind a server that takes 20 ms for each read
                and write; against nbdcopy as it is by default, with a flush at
                the end.  The disk is so large that the commands, which take
                0.8 s when each of their reads takes 20 ms, are less than 5 %
  p99           of a client's 4k random writes, 200 a second, while it runs as
                fast as it may, against the same on an array with nothing to do

They take turns; medians of the rounds and of their ratios.
"""

import json
import os
import subprocess
import sys
import time

from measured import MIB, MIRROR, TOOL, Server, in_scratch, need, run
from verdict import begin_table, row

ROUNDS = int(sys.argv[1] if len(sys.argv) > 1 else
             os.environ.get("BENCH_ROUNDS", "3"))
SIZE = 1024 * MIB
AWAY_SIZE, AWAY_MS = 8 * 1024 * MIB, 20


def fill(path, bytes_of_data, size=SIZE):
    """So much data, from the beginning on; a hole behind it."""
    with open(path, "wb") as disk:
        for _ in range(bytes_of_data // MIB):
            disk.write(os.urandom(MIB))
        disk.truncate(size)
        os.fsync(disk.fileno())


class Array:
    """Served, with one slot that has no disk."""

    def __init__(self, disk):
        run(TOOL, "create", "--yes", "--force", "--assume-clean", "--name",
            "bench", disk, "missing")
        for socket in ("bench.sock", "nbdmirror/bench.sock"):
            if os.path.exists(socket):
                os.remove(socket)
        self.server = subprocess.Popen(
            ["nbdkit", "-f", "-U", "bench.sock", MIRROR, disk],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists("nbdmirror/bench.sock"):
            if self.server.poll() is not None:
                sys.exit("bench: nbdkit does not start")
            time.sleep(0.01)
        self.client = None

    def write_at_random(self, seconds):
        """fio's, 200 writes a second."""
        self.client = subprocess.Popen(
            ["fio", "--name=bench", "--ioengine=nbd",
             "--uri=nbd+unix:///?socket=bench.sock", "--rw=randwrite",
             "--bs=4k", "--iodepth=1", "--rate_iops=200", "--time_based",
             f"--runtime={seconds}", "--size=64M", "--norandommap",
             "--output-format=json", "--output=out.json"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def p99_us(self):
        """Of that, when it has ended."""
        self.client.wait()
        with open("out.json") as text:
            job = json.load(text)["jobs"][0]
        return job["write"]["clat_ns"]["percentile"]["99.000000"] / 1000

    def rebuild(self, disk):
        """So many seconds until it is in sync."""
        begin = time.monotonic()
        run(TOOL, "add", "--yes", "--discard", "bench", disk)
        run(TOOL, "wait", "bench", "--timeout", "600")
        return time.monotonic() - begin

    def rates(self, minimum, maximum):
        run(TOOL, "rebuild", "rate", "--min", minimum, "--max", maximum,
            "bench")

    def stop(self):
        run(TOOL, "stop", "--force", "--yes", "bench")
        self.server.wait()


def settle():
    os.sync()


def measure_rebuild(data):
    fill("one", data)
    with open("new", "wb") as disk:
        disk.truncate(SIZE)
    array = Array("one")
    array.rates("100M", "100G")
    settle()
    seconds = array.rebuild("new")
    array.stop()
    return seconds


def measure_copy():
    """Of what measure_rebuild has left in one."""
    if os.path.exists("copy"):
        os.remove("copy")
    settle()
    begin = time.monotonic()
    run("dd", "if=one", "of=copy", "bs=1M", "conv=fdatasync")
    return time.monotonic() - begin


class Away(Server):
    """A new disk far away."""

    def __init__(self):
        fill("away", 0, AWAY_SIZE)
        super().__init__("away", "--filter=delay", "file", "away",
                         f"rdelay={AWAY_MS}ms", f"wdelay={AWAY_MS}ms")
        settle()


def measure_away():
    """A rebuild and nbdcopy, seconds; the source stays."""
    array = Array("source")
    array.rates("100M", "100G")
    away = Away()
    rebuild = array.rebuild(away.uri())
    array.stop()
    away.end()
    away = Away()
    begin = time.monotonic()
    run("nbdcopy", "--flush", "source", away.uri())
    copy = time.monotonic() - begin
    away.end()
    return rebuild, copy


def measure_p99(rebuilding):
    with open("new", "wb") as disk:
        disk.truncate(SIZE)
    array = Array("one")
    settle()
    array.write_at_random(6)
    time.sleep(1)
    if rebuilding:
        run(TOOL, "add", "--yes", "--discard", "bench", "new")
    result = array.p99_us()
    array.stop()
    return result


def main():
    full, copy, sparse, busy, idle, away = [], [], [], [], [], []
    fill("source", AWAY_SIZE - 16 * MIB, AWAY_SIZE)
    for _ in range(ROUNDS):
        full.append(measure_rebuild(SIZE - 16 * MIB))
        copy.append(measure_copy())
        idle.append(measure_p99(False))
        busy.append(measure_p99(True))
        sparse.append(measure_rebuild(32 * MIB))
        away.append(measure_away())
    begin_table(f"Rebuild of a disk of {SIZE // MIB} MiB, medians of {ROUNDS} "
                "rounds:")
    row("a plain copy and the rebuild of a full disk", "s", copy, full,
        ">= 0.90")
    row("the rebuild of a full disk and of a sparse one", "s", full, sparse,
        ">= 10")
    row(f"nbdcopy and the rebuild of a full disk of {AWAY_SIZE // MIB} MiB "
        f"that is {AWAY_MS} ms away", "s", [one[1] for one in away],
        [one[0] for one in away], ">= 0.90")
    row("a client's p99 while it runs and without one", "us", busy, idle,
        "<= 1.10")


need("fio", "nbdkit", "nbdcopy", "dd")
in_scratch(main)
