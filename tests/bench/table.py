#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""table: fio's results -> the table of run.sh, in Markdown.

Usage: table.py ROWS ROUNDS, in the directory of the results; the form of ROWS
is explained in run.sh.  The exit status is 1 if a measurement failed; a
missed target is only printed, since figures depend on the machine.
"""

import json
import operator
import statistics
import sys

SETTINGS = {
    "cached": "page cache",
    "direct": "O_DIRECT",
    "far": "2 ms away",
    "limited": "50 MB/s each",
    "md": "regions of 64 MiB",
    "md-bits": "regions of 64 KiB, all bits set",
}
WORDS = {
    "randread": "random read",
    "randwrite": "random write",
    "read": "sequential read",
    "write": "sequential write",
}
COMPARE = {">=": operator.ge, "<=": operator.le}


RAMP_SECONDS = 0.5


def cpu(path, iops):
    """Processor time of the server for one request, in us."""
    with open(path, encoding="utf-8") as f:
        ticks, hertz, seconds = map(float, f.read().split())
    return ticks / hertz * 1e6 / (iops * (seconds + RAMP_SECONDS))


def figure(path, unit):
    """One number of one fio run, or None if the run failed."""
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
        "iops": side["iops"],
        "MB/s": side["bw_bytes"] / 1e6,
        "us": side["clat_ns"]["mean"] / 1e3,
    }[unit]


def figures(setting, job, who, unit, rounds):
    """One figure per round; None if any failed: the lucky ones would flatter."""
    found = [figure(f"{setting}.{job}.{who}.{i}.json", unit)
             for i in range(1, rounds + 1)]
    return None if None in found else found


def best(candidates, unit):
    candidates = [c for c in candidates if c is not None]
    choose = min if unit == "us" else max
    return choose(candidates, key=statistics.median, default=None)


def show(found):
    if found is None:
        return "failed"
    value = statistics.median(found)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def compare(ours, theirs, target):
    """The cells "ratio" and "target".

    The ratio is the median of each round's own: neighbours in time saw the
    same machine.
    """
    if ours is None or theirs is None:
        return "failed", target or "-"
    ratio = statistics.median(map(operator.truediv, ours, theirs))
    if not target:
        return f"{ratio:.2f}", "-"
    sign, bound = target.split()
    met = COMPARE[sign](ratio, float(bound))
    return f"{ratio:.2f}", f"{target} {'met' if met else '**missed**'}"


def row_name(setting, job, unit):
    rw, bs, depth, jobs = job.split()
    name = f"{WORDS[rw]} {bs}, {depth} deep"
    if jobs != "1":
        name += f" x {jobs} clients"
    unit = "us of processor time" if unit == "cpu" else unit
    return f"{name}, {SETTINGS[setting]} ({unit})"


def print_table(rows, rounds, is_md):
    """False if a measurement failed."""
    good = True
    if is_md:
        print("| what | md array | plain array | ratio | target |")
        print("|---|--:|--:|--:|---|")
    else:
        print("| what | ours | one disk | ratio | target "
              "| best quorum | ratio | target |")
        print("|---|--:|--:|--:|---|--:|--:|---|")
    for setting, job, unit, target, quorum_target in rows:
        key = " ".join(job.split())
        found = {who: figures(setting, key, who, unit, rounds)
                 for who in ("ours", "one", "quorum-1", "quorum-2")}
        ours, one = found["ours"], found["one"]
        cells = [row_name(setting, job, unit), show(ours), show(one),
                 *compare(ours, one, target)]
        if is_md:
            good = good and None not in (ours, one)
        else:
            quorum = best((found["quorum-1"], found["quorum-2"]), unit)
            good = good and None not in found.values()
            cells += [show(quorum), *compare(ours, quorum, quorum_target)]
        print("| " + " | ".join(cells) + " |")
    return good


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        rows = [[cell.strip() for cell in line.split("|")] for line in f]
    rounds = int(sys.argv[2])
    good = True
    for is_md in False, True:
        chosen = [row for row in rows if row[0].startswith("md") == is_md]
        if chosen:
            good = print_table(chosen, rounds, is_md) and good
            print()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
