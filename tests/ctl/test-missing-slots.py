#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Slots without a disk in sync are shown, with their disk or what the other
superblocks tell: by assemble and, of several disks of one array, by examine."""

import os
import shutil
import sys
import tempfile

import tool
from tool import disk, edit, expect, run, run_json

FAILED = 0xfffe
NOBODY = 0xffff
DISKS = ["a", "b", "c", "d"]


def array(folder, *names, name="data"):
    for each in names:
        disk(folder, each, 8 << 20)
    run(folder, "create", "--yes", "--assume-clean", "--bitmap", "none",
        "--level", "raid10", "--name", name, *names)


def record(folder, names, entry, role):
    for name in names:
        edit(os.path.join(folder, name), "<H", 256 + 2 * entry, role)


def shown(text):
    """The lines about slots as a whole."""
    lines = text.splitlines()
    return [line.strip() for line in lines
            if "slots in sync" in line or line.startswith("    slot")]


def check(what, folder, names, wanted, words, status=4):
    """@words: the states of all slots."""
    got, text = run(folder, "assemble", "--dry-run", *names)
    expect(f"{what}: status", got, status)
    expect(f"{what}: assemble", shown(text), wanted)
    said = run_json(folder, "assemble", "--dry-run", *names)
    expect(f"{what}: assemble, JSON", said["array"]["slots"], words)
    for more in [], ["--bitmap"]:
        text = run(folder, "examine", *more, *names)[1]
        expect(f"{what}: examine {more}", shown(text), wanted)
    said = run_json(folder, "examine", *names)["arrays"]
    expect(f"{what}: examine, JSON", [one["slots"] for one in said], [words])
    for more in ["--compare"], ["--mdadm"], ["--raw"]:
        text = run(folder, "examine", *more, *names)[1]
        expect(f"{what}: examine {more}", shown(text), [])


def states(*pairs):
    return [{"slot": i, "state": state, "disk": name}
            for i, (state, name) in enumerate(pairs)]


def main():
    with tempfile.TemporaryDirectory() as folder:
        array(folder, *DISKS)
        check("complete", folder, DISKS, [],
              states(*(("in-sync", name) for name in DISKS)), 0)
        check("two are not given", folder, ["c", "a"],
              ["degraded: 2 of 4 slots in sync",
               "slot 1: its disk is missing", "slot 3: its disk is missing"],
              states(("in-sync", "a"), ("missing", None), ("in-sync", "c"),
                     ("missing", None)))
        check("too few", folder, ["a", "b"],
              ["too few: 2 of 4 slots in sync",
               "slot 2: its disk is missing", "slot 3: its disk is missing"],
              states(("in-sync", "a"), ("in-sync", "b"), ("missing", None),
                     ("missing", None)), 6)
        shutil.copy(os.path.join(folder, "b"), os.path.join(folder, "old"))
        for name in "a", "c":
            edit(os.path.join(folder, name), "<Q", 200, 9)
        record(folder, ["a", "c"], 1, FAILED)
        record(folder, ["a", "c"], 3, NOBODY)
        check("failed and gone", folder, ["a", "c"],
              ["degraded: 2 of 4 slots in sync",
               "slot 1: its disk is missing, and on record as failed",
               "slot 3: no disk, and none is on record"],
              states(("in-sync", "a"), ("failed", None), ("in-sync", "c"),
                     ("none", None)))
        check("the old one is given", folder, ["a", "old", "c"],
              ["degraded: 2 of 4 slots in sync",
               "slot 1: old, which missed writes",
               "slot 3: no disk, and none is on record"],
              states(("in-sync", "a"), ("stale", "old"), ("in-sync", "c"),
                     ("none", None)), 5)
        # Alone a disk only says what it knew; others belong to others.
        expect("alone", shown(run(folder, "examine", "a")[1]), [])
        array(folder, "e", "f", name="other")
        disk(folder, "empty", 8 << 20)
        text = run(folder, "examine", "e", "a", "f", "empty", "gone",
                   quiet=True)[1]
        expect("one of another array", shown(text), [])
        text = run(folder, "examine", "e", "a", "f", "empty", "c",
                   quiet=True)[1]
        expect("two of another array", shown(text),
               ["degraded: 2 of 4 slots in sync",
                "slot 1: its disk is missing, and on record as failed",
                "slot 3: no disk, and none is on record"])
        arrays = run_json(folder, "examine", "e", "a", "f", "c")["arrays"]
        expect("two arrays", [one["degraded"] for one in arrays],
               [False, True])
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
