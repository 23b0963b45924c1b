#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""table: fio's results -> the table of run.sh or kernel.sh, in Markdown.

Usage: table.py ROWS ROUNDS TITLE, in the directory of the results; the form of
ROWS is explained in turns.sh.  The exit status is 1 if a measurement failed; a
missed target is only printed, since figures depend on the machine.
"""

import json
import statistics
import sys

from verdict import begin_table, row

SETTINGS = {
    "cached": "page cache",
    "direct": "O_DIRECT",
    "sync": "page cache, a flush after each",
    "far": "2 ms away",
    "limited": "50 MB/s each",
    "tcp": "over TCP",
    "md": "regions of 64 MiB",
    "md-bits": "regions of 64 KiB, all bits set",
    "uml": "user-mode Linux (a lower bound)",
    "uml-sync": "a flush after each, user-mode Linux (a lower bound)",
}
WORDS = {
    "randread": "random read",
    "randwrite": "random write",
    "read": "sequential read",
    "write": "sequential write",
}
# What ours is compared with.
LIMITS = {
    "files": "fio itself on both files",
    "kernel": "the kernel's md",
    "nbd": "nbdkit nbd to one server",
    "null": "nbdkit null",
    "one": "one disk",
    "ours-t1": "the same with nbdkit -t 1",
    "plain": "a plain array",
    "quorum": "the better quorum",
    "servers": "fio itself on both servers",
}
UNITS = {"cpu": "us of processor time"}
RAMP_SECONDS = 0.5


def cpu(path, iops):
    """Processor time of the server for one request, in us."""
    with open(path, encoding="utf-8") as f:
        ticks, hertz, seconds = map(float, f.read().split())
    return ticks / hertz * 1e6 / (iops * (seconds + RAMP_SECONDS))


def figure(path, unit, disks=1):
    """One number of one fio run, or None if the run failed.

    @disks: so many had the load to themselves; the figure is that of one.
    """
    try:
        with open(path, encoding="utf-8") as f:
            job = json.load(f)["jobs"][0]
    except (OSError, ValueError, LookupError):
        return None
    side = job["write" if job["write"]["total_ios"] else "read"]
    if job["error"] or not side["total_ios"]:
        return None
    if unit == "cpu":
        return cpu(f"{path}.cpu", side["iops"])
    return {
        "iops": side["iops"] / disks,
        "MB/s": side["bw_bytes"] / 1e6 / disks,
        "us": side["clat_ns"]["mean"] / 1e3,
    }[unit]


def figures(setting, job, who, unit, rounds):
    """One per round; None if any failed: the lucky ones would flatter."""
    disks = 2 if who in ("files", "servers") else 1
    found = [figure(f"{setting}.{job}.{who}.{i}.json", unit, disks)
             for i in range(1, rounds + 1)]
    return None if None in found else found


def better(candidates, unit):
    """None if one failed."""
    choose = min if unit == "us" else max
    if None in candidates:
        return None
    return choose(candidates, key=statistics.median)


def row_name(setting, job, who):
    rw, bs, depth, jobs = job.split()
    name = f"{WORDS[rw]} {bs}, {depth} deep"
    if jobs != "1":
        name += f" x {jobs} clients"
    return f"{name}, {SETTINGS[setting]}: ours and {LIMITS[who]}"


def print_rows(setting, job, unit, limits, rounds):
    """One for each limit.  False if a measurement failed."""
    job = " ".join(job.split())
    good = True
    ours = figures(setting, job, "ours", unit, rounds)
    for limit in limits.split(","):
        who, target = (limit.strip() + " ").split(" ", 1)
        if who == "quorum":
            theirs = better([figures(setting, job, f"{who}-{votes}", unit,
                                     rounds) for votes in (1, 2)], unit)
        else:
            theirs = figures(setting, job, who, unit, rounds)
        good = good and None not in (ours, theirs)
        row(row_name(setting, job, who), UNITS.get(unit, unit), ours, theirs,
            target.strip())
    return good


def main():
    rounds = int(sys.argv[2])
    good = True
    begin_table(sys.argv[3])
    with open(sys.argv[1], encoding="utf-8") as f:
        for line in f:
            cells = [cell.strip() for cell in line.split("|")]
            good = print_rows(*cells, rounds) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
