#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""examine --compare fits 80 columns, whatever the names of the disks and
however many there are, and nothing is cut off."""

import os
import sys
import tempfile
import unicodedata

import tool
from tool import disk, edit, expect, run, run_json

PAGE = 80
NAME = 12
LONG = "a-disk-in-some-enclosure-in-some-rack-of-this-place-in-slot-"
HARD = "n" * 150  # without a place to break a line
SHAPES = {
    "short": lambda i: f"d{i}",
    "long": lambda i: f"{LONG}{i}.img",
    "hard": lambda i: f"{i}{HARD}",
    "alike": lambda i: f"rack{i}/shelf/disk.img",
    "alike and long": lambda i: f"{LONG}{i}/{HARD}/disk.img",
    "some alike": lambda i: f"rack{i}/disk{i // 2}.img",
    "two bytes each": lambda i: f"{i}" + "ü" * 60,
    "two columns each": lambda i: f"{i}" + "漢字" * 35,
    "no columns": lambda i: f"{i}" + "e\u0301" * 60,
    "spaces": lambda i: " " * 30 + f"{i}" + " " * 30,
    "escaped": lambda i: f"{i}" + "\x1b\n" * 20,
}


def width(character):
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(line, start, end):
    """What a terminal shows in these columns."""
    at, found = 0, ""
    for character in line:
        step = width(character)
        if start < at + step <= end or (step == 0 and start < at <= end):
            found += character
        at += step
    return found


def tables(text):
    """For each table its rows: the name and the lines of each."""
    found = []
    for table in text.split("\n\n"):
        rows = []
        for line in table.splitlines():
            name = line[:NAME].strip()
            # "sees members as" has two lines.
            if not rows or (name and name != "as"):
                rows.append((name, []))
            rows[-1][1].append(line)
        found.append(rows)
    return found


def cells(lines, count):
    """(mark, text) of each cell, whose lines are joined."""
    step = (PAGE - NAME + 1) // count
    for i in range(count):
        start = NAME + 2 + i * step
        parts = [cut(line, start, start + step - 3) for line in lines]
        yield (cut(lines[0], start - 2, start).strip(),
               "".join(part.strip() for part in parts))


def bare(text):
    return text.replace(" ", "")


def heading(names, i):
    last = [name.rsplit("/", 1)[-1] for name in names]
    shown = names[i] if last.count(last[i]) > 1 else last[i]
    return shown.replace("\x1b", "\\x1b").replace("\n", "\\n")


def check_table(what, rows, names, shown, seen):
    """One table, of the disks with these numbers."""
    found = {name: list(cells(lines, len(shown))) for name, lines in rows}
    expect(f"{what}: disks", [bare(text) for _, text in found[""]],
           [bare(heading(names, i)) for i in shown])
    expect(f"{what}: device uuids", found["device uuid"],
           [("", seen[i]["device_uuid"]) for i in shown])
    expect(f"{what}: array uuids", found["array uuid"],
           [("", seen[0]["array"]["uuid"])]
           + [("", "same")] * (len(shown) - 1))
    # The last one has other events.
    expect(f"{what}: events", found["events"], [
        ("", str(seen[0]["events"])) if i == 0
        else ("*", "987654321") if i == len(names) - 1 else ("", "same")
        for i in shown])


def check(folder, shape, count):
    names = [SHAPES[shape](i) for i in range(count)]
    what = f"{count} disks, {shape}"
    for name in names:
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        disk(folder, name, 8 << 20)
    run(folder, "create", "--yes", "--name", "x" * 31, *names,
        *(["missing"] if count == 1 else []))
    if count > 1:
        edit(os.path.join(folder, names[-1]), "<Q", 200, 987654321)
    seen = run_json(folder, "examine", *names)["members"]
    text = run(folder, "examine", "--compare", *names)[1]
    for line in text.splitlines():
        if sum(map(width, line)) > PAGE:
            expect(f"{what}: width", line, f"{PAGE} columns")
    found = tables(text)
    wanted = [[0, *range(i, min(i + 2, count))] for i in range(1, count, 2)]
    wanted = wanted or [[0]]
    expect(f"{what}: tables", len(found), len(wanted))
    for rows, shown in zip(found, wanted):
        expect(f"{what}: rows", [name for name, _ in rows],
               [name for name, _ in found[0]])
        check_table(what, rows, names, shown, seen)


def main():
    for shape in SHAPES:
        for count in 1, 2, 3, 4, 5, 8:
            with tempfile.TemporaryDirectory() as folder:
                check(folder, shape, count)
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
