#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a write costs whose region has no bit yet.  ("make bench")

    cold.py [ROUNDS]

Writes of 4k, one at a time, to an md raid1 with the regions that create gives
it, to a plain mirror, and to one disk that makes each write stable:

  cold    at random in 64 GiB, one each 20 ms: most regions were cleared since
          somebody wrote there.  The median against what it must cost, a write
          and one that is stable; the slowest hundredth against the median
  hot     in one region, three a second: its bit stays, and so does "dirty"
  zipf    in 1 GiB of the 64, some blocks far more often than others; then the
          server is killed, and the next one brings together what may differ:
          how long that takes, against resync-budget=

They take turns; medians of the rounds and of their ratios.
"""

import os
import signal
import sys
import time

from measured import (MIB, MIRROR, TOOL, Server, Writer, in_scratch, need,
                      percentile, run, wait_until)
from verdict import begin_table, row

ROUNDS = int(sys.argv[1] if len(sys.argv) > 1 else
             os.environ.get("BENCH_ROUNDS", "3"))
SIZE = 64 * 1024 * MIB
COLD = {"seconds": 30, "size": SIZE, "rate": 50}
HOT = {"seconds": 10, "size": MIB, "rate": 3}
ZIPF = {"seconds": 20, "size": 1024 * MIB, "rate": 100,
        "distribution": "zipf:0.9"}
BUDGET_S = 10


def measure(words, how=signal.SIGTERM, distribution="random", **job):
    """Median and 99th percentile, us; then the server ends."""
    server = Server("mirror", *words)
    latencies = Writer(server, job["seconds"], job["size"],
                       "--random_distribution=" + distribution,
                       rate=job["rate"]).latencies_us()
    server.end(how)
    return percentile(latencies, 50), percentile(latencies, 99)


def resync_s():
    """So long it takes after a kill."""
    server = Server("mirror", MIRROR, "a", "b")
    begin = time.time()
    writer = Writer(server, 1, MIB)
    wait_until(lambda: server.has_said("all copies agree"))
    took = time.time() - begin
    writer.process.wait()
    server.end()
    return took


def disks(*names):
    for name in names:
        with open(name, "wb") as disk:
            disk.truncate(SIZE)
    return names


def stable_disk():
    return ["--filter=fua", "file", *disks("a"), "fuamode=force"]


def plain():
    return [MIRROR, *disks("a", "b")]


def md():
    run(TOOL, "create", "--yes", "--force", "--assume-clean",
        *disks("a", "b"))
    # Its bits are all set at first: a stop without waiting clears them.
    server = Server("mirror", MIRROR, "a", "b")
    Writer(server, 1, MIB).process.wait()
    server.end()
    return [MIRROR, "a", "b"]


def main():
    rounds = {"plain": [], "md": [], "stable": [], "hot plain": [],
              "hot md": [], "zipf plain": [], "zipf md": []}
    resyncs = []
    for _ in range(ROUNDS):
        rounds["stable"].append(measure(stable_disk(), **COLD))
        rounds["plain"].append(measure(plain(), **COLD))
        rounds["md"].append(measure(md(), **COLD))
        rounds["hot plain"].append(measure(plain(), **HOT))
        rounds["hot md"].append(measure(md(), **HOT))
        rounds["zipf plain"].append(measure(plain(), **ZIPF))
        rounds["zipf md"].append(measure(md(), signal.SIGKILL, **ZIPF))
        resyncs.append(resync_s())
    p50 = {name: [one[0] for one in all] for name, all in rounds.items()}
    begin_table(f"Writes whose region has no bit, medians of {ROUNDS} rounds:")
    row("cold: p50, and of plain + 1.15 x a stable write", "us", p50["md"],
        [one + 1.15 * other for one, other in zip(p50["plain"],
                                                  p50["stable"])],
        "<= 1.00")
    row("cold: p99, and p50", "us", [one[1] for one in rounds["md"]],
        p50["md"], "<= 3.00")
    row("hot: p50, and of plain", "us", p50["hot md"], p50["hot plain"],
        "<= 1.30")
    row("zipf in 1 of 64 GiB: p50, and of plain", "us", p50["zipf md"],
        p50["zipf plain"], "<= 1.10")
    row("zipf: resync after a kill, and the budget", "s", resyncs,
        [BUDGET_S] * ROUNDS, "<= 1.00")


need("fio", "nbdkit")
in_scratch(main)
