#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""All sides of a split brain are shown alike, and what each choice makes."""

import os
import re
import sys
import tempfile

import tool
from tool import disk, edit, expect, run, run_json

GONE = 0xffff
NOON = 1772452800  # 2026-03-02 12:00 UTC
TIME = "2026-03-02T12:0{}:00Z"


class Array:
    """Disk i, in slot i, was last written i minutes past noon on host i."""

    def __init__(self, folder, count, *options):
        self.folder = folder
        self.names = [f"d{i}" for i in range(count)]
        for name in self.names:
            disk(folder, name, 8 << 20)
        status, _ = run(folder, "create", "--yes", "--assume-clean", *options,
                        *self.names)
        expect("create", status, 0)
        for i, name in enumerate(self.names):
            path = os.path.join(folder, name)
            edit(path, "<32s", 32, f"host{i}:data".encode())
            edit(path, "<Q", 192, NOON + 60 * i)

    def ran(self, who, without, events):
        """As Linux records who is gone."""
        for i in who:
            path = os.path.join(self.folder, self.names[i])
            edit(path, "<Q", 200, events)
            for j in without:
                edit(path, "<H", 256 + 2 * j, GONE)

    def shows(self, order, sides, choices, status=7):
        """Each disk's words, and the last lines, for disks in that order."""
        words = ["assemble", "--dry-run", *(self.names[i] for i in order)]
        seen, text = run(self.folder, *words)
        expect(f"{order}: status", seen, status)
        lines = text.splitlines()
        for leg, i in enumerate(order):
            at = lines.index(f"  {leg} d{i}") + 1
            events = run_json(self.folder, "examine", self.names[i])
            events = events["members"][0]["events"]
            expect(f"{order}: d{i}", lines[at],
                   f"      slot {i}: {sides[leg]}; array host{i}:data; events "
                   f"{events}, last update {TIME.format(i)}")
        expect(f"{order}: choices",
               [line.strip() for line in lines if "on-split-brain" in line],
               choices)
        # No side is before the others: no events of the array.
        expect(f"{order}: first line", "events" in lines[0], False)
        json = run_json(self.folder, *words)
        self.same_in_json(order, lines, json)
        return json["members"]

    def same_in_json(self, order, lines, json):
        expect(f"{order}: result", json["result"], "split-brain")
        count = len({member["history"] for member in json["members"]}
                    - {None})
        expect(f"{order}: last line",
               [line for line in lines if line.startswith("=>")],
               [f"=> would not start: {json['culprit']}: {json['reason']}"])
        expect(f"{order}: reason", json["reason"].startswith(
            f"split brain: {count} histories,"), True)
        for leg, member in enumerate(json["members"]):
            line = lines[lines.index(f"  {leg} {member['disk']}") + 1]
            seen = re.search(r"history (\d+) of (\d+)", line)
            expect(f"{order}: {leg}: history",
                   seen and (int(seen[1]), int(seen[2])),
                   member["history"] and (member["history"], count))
            expect(f"{order}: {leg}: state", member["state"] == "split",
                   member["history"] is not None)
            for key in "update_time", "name", "events":
                expect(f"{order}: {leg}: {key}", str(member[key]) in line,
                       True)

    def chosen(self, order, leg, status):
        """What is said of a choice comes of it."""
        words = [f"--on-split-brain=leg:{leg}",
                 *(self.names[i] for i in order)]
        expect(f"leg:{leg} of {order}",
               run(self.folder, "assemble", "--dry-run", *words)[0], status)


def keep(leg, history, names, rest=""):
    return f"on-split-brain=leg:{leg} keeps history {history}: {names}{rest}"


def each_alone(folder):
    for count in 2, 3:
        array = Array(folder, count)
        for i in range(count):
            array.ran([i], [j for j in range(count) if j != i], 10 + 3 * i)
        for order in (0, 1, 2)[:count], (2, 1, 0)[-count:]:
            array.shows(order, [f"history {n + 1} of {count}"
                                for n in range(count)],
                        [keep(n, n + 1, f"d{i}")
                         for n, i in enumerate(order)])
            for leg in range(count):
                array.chosen(order, leg, 5)


def two_against_one(folder):
    array = Array(folder, 3)
    array.ran([0, 2], [1], 10)
    array.ran([1], [0, 2], 20)
    array.shows((0, 1, 2), ["history 1 of 2", "history 2 of 2",
                            "history 1 of 2"],
                [keep(0, 1, "d0, d2"), keep(1, 2, "d1")])
    # Who is being rebuilt is not the one to name.
    edit(os.path.join(folder, "d0"), "<I", 8, 3)
    members = array.shows(
        (0, 1, 2), ["history 1 of 2, being rebuilt, done below sector 0",
                    "history 2 of 2", "history 1 of 2"],
        [keep(2, 1, "d0, d2"), keep(1, 2, "d1")])
    expect("being rebuilt", [member["history_state"] for member in members],
           ["recovering", "in-sync", "in-sync"])


def left_behind(folder):
    """0 alone; 1 and 2 without it, then 2 without 1, too."""
    array = Array(folder, 3)
    array.ran([0], [1, 2], 10)
    array.ran([1], [0], 8)
    array.ran([2], [0, 1], 10)
    stale = "history {} of 2, missed writes: it is unknown which"
    members = array.shows(
        (0, 1, 2), ["history 1 of 2", stale.format(2), "history 2 of 2"],
        [keep(0, 1, "d0"), keep(2, 2, "d1, d2")])
    expect("naming it decides nothing", members[1]["on_split_brain"],
           "split-brain")
    array.chosen((0, 1, 2), 1, 7)
    array.shows((2, 1, 0), ["history 1 of 2", stale.format(1),
                            "history 2 of 2"],
                [keep(0, 1, "d2, d1"), keep(2, 2, "d0")])


def before_the_split(folder):
    """2 was left behind by both."""
    array = Array(folder, 3)
    array.ran([0], [1, 2], 10)
    array.ran([1], [0, 2], 12)
    array.ran([2], [], 1)
    members = array.shows(
        (0, 1, 2), ["history 1 of 2", "history 2 of 2",
                    "missed writes: it is unknown which"],
        [keep(0, 1, "d0"), keep(1, 2, "d1")])
    expect("of no history", (members[2]["state"], members[2]["history"]),
           ("stale", None))


def too_few(folder):
    """One side has not all that it needs."""
    array = Array(folder, 4, "--level=10", "--layout=n2")
    array.ran([0, 2], [1, 3], 10)
    array.ran([1, 3], [0, 2], 12)
    for order, whole, lacks in ((0, 1, 2), (0, "d0, d2"), (1, "d1")), \
            ((1, 3, 0), (0, "d1, d3"), (2, "d0")):
        members = array.shows(
            order, ["history {} of 2".format(1 + (i % 2 != order[0] % 2))
                    for i in order],
            [keep(whole[0], 1, whole[1]),
             keep(lacks[0], 2, lacks[1], "; would not start: too few members "
                  "are in sync: of slots 2 3, one is needed")])
        expect("the choice", [members[leg]["on_split_brain"]
                              for leg in (whole[0], lacks[0])],
               ["start", "failed"])
        array.chosen(order, whole[0], 5)
        array.chosen(order, lacks[0], 6)


def main():
    with tempfile.TemporaryDirectory() as folder:
        for part in (each_alone, two_against_one, left_behind,
                     before_the_split, too_few):
            part(folder)
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
