#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Disks may be missing when an array is made, as long as something of each
copy is left: for every layout and every choice of what is missing, computed
here from where md puts copies.  What was made so starts degraded."""

import itertools
import os
import sys
import tempfile

import tool
from tool import disk, expect, run, run_json

SIZE = 4 << 20
CHUNKS = 60


def copies(kind, count, disks, chunk):
    """The disks that hold copies of a chunk."""
    first = chunk * (count if kind == "n" else 1)
    return {(first + i) % disks for i in range(count)}


def can_start(layout, disks, missing):
    kind, count = layout[0], int(layout[1])
    return all(copies(kind, count, disks, chunk) - missing
               for chunk in range(CHUNKS))


def check(folder, options, layout, disks, missing):
    names = [f"d{i}" for i in range(disks)]
    for name in names:
        disk(folder, name, SIZE)
    words = ["missing" if i in missing else name
             for i, name in enumerate(names)]
    what = f"{layout} {' '.join(words)}"
    wanted = can_start(layout, disks, missing)
    status, _ = run(folder, "create", "--yes", *options, *words, quiet=True)
    expect(what, status, 0 if wanted else 1)
    if not wanted:
        for name in names:
            with open(os.path.join(folder, name), "rb") as image:
                expect(what + ": nothing is written",
                       any(image.read()), False)
        return wanted
    left = [name for name in words if name != "missing"]
    seen = run_json(folder, "assemble", "--dry-run", *left)
    expect(what + ": result", seen["result"], "start")
    expect(what + ": status", seen["status"], 4 if missing else 5)
    expect(what + ": slots",
           [slot["state"] for slot in seen["array"]["slots"]],
           ["none" if i in missing else "in-sync" for i in range(disks)])
    return wanted


def main():
    tried = {True: 0, False: 0}
    with tempfile.TemporaryDirectory() as folder:
        for layout in "n1", "n2", "n3", "f2", "o2":
            for disks in range(2, 5):
                count = int(layout[1])
                if layout != "n1" and count > disks:
                    continue
                options = ["-l", "raid10", "-p", layout, "-c", "64K"]
                if layout == "n1":  # all disks hold all
                    options, count = [], disks
                for gone in range(disks + 1):
                    for missing in itertools.combinations(range(disks), gone):
                        tried[check(folder, options, layout[0] + str(count),
                                    disks, set(missing))] += 1
    print(f"{tried}, {tool.failures} differences")
    return 1 if tool.failures or not all(tried.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
