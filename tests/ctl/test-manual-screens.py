#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each command is in the manual; its screens are what the program prints, and
no line of what it prints ends in blanks, which would make it too wide."""

import calendar
import os
import re
import struct
import sys
import tempfile

import tool
from tool import PLACE, TOP, disk, edit, expect, run

DISKS = ["disk1.img", "disk2.img"]
GONE = 0xffff


def words(text):
    """Lines are broken as fits the page; each array has its own uuid."""
    text = re.sub(r"uuid [0-9a-f:]+", "uuid", text)
    return " ".join(text.split())


def time(text):
    return calendar.timegm((2026, 3, 2, *map(int, text.split(":"))))


def member(folder, i, events, updated, gone=()):
    path = os.path.join(folder, DISKS[i])
    edit(path, "<Q", 200, events)
    edit(path, "<Q", 192, time(updated))
    for j in gone:
        edit(path, "<H", 256 + 2 * j, GONE)
    with open(path, "r+b") as image:
        image.seek(PLACE + 8 * 512 + 24)
        image.write(struct.pack("<QQ", events, min(events, 11)))


def fresh(folder):
    for name in DISKS:
        disk(folder, name, 10 << 30)
    run(folder, "create", "--yes", "--name", "data", "--assume-clean", *DISKS)


def stale(folder):
    fresh(folder)
    member(folder, 0, 14, "11:40:02", [1])
    member(folder, 1, 11, "09:06:44")


def split(folder):
    fresh(folder)
    member(folder, 0, 37, "11:40:02", [1])
    member(folder, 1, 35, "13:06:44", [0])


def check_commands(text):
    """Each one is in the synopsis, and has a head of its own with others or
    alone."""
    heads = re.findall(r"^=head2 (.*)$", text, re.M)
    synopsis = text[text.index("=head1 SYNOPSIS"):text.index(
        "=head1 DESCRIPTION")]
    expect("there are commands", len(tool.commands()) > 20, True)
    for command in tool.commands():
        word = rf"\b{re.escape(command)}\b"
        expect(f"{command} in the synopsis",
               bool(re.search(r"^ nbdmirror [a-z|-]*" + word, synopsis, re.M)),
               True)
        expect(f"a head for {command}",
               any(re.search(word, head) for head in heads), True)


def main():
    with open(os.path.join(TOP, "man/nbdmirror.pod"),
              encoding="utf-8") as file:
        text = file.read()
        manual = words(text)
    check_commands(text)
    with tempfile.TemporaryDirectory() as folder:
        for what in stale, split:
            what(folder)
            seen = run(folder, "assemble", "--dry-run", *DISKS)[1]
            if words(seen) not in manual:
                expect(what.__name__, None, seen)
            # Not everything is in it.
            expect("what is not there", words(seen + "it") in manual, False)
            for how in [], ["--compare"], ["--bitmap"]:
                seen += run(folder, "examine", *how, *DISKS)[1]
            for line in seen.splitlines():
                expect("a line that ends in blanks", line, line.rstrip())
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
