#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two superblocks of different arrays on a disk: what is refused names the
command that mends it, that command does it, and so does the one that undoes
it.  Superblocks that nobody can use have a status that says so."""

import os
import re
import shlex
import struct
import subprocess
import sys
import tempfile

import tool
from tool import TOOL, disk, expect, run_json

SIZE = 8 << 20
MAGIC = 0xa92b4efc
PLACES = {"0.90": (SIZE & -65536) - 65536, "1.0": SIZE - 8192, "1.1": 0,
          "1.2": 4096}


def tell(folder, *words):
    done = subprocess.run([TOOL, *words], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def block(path, version):
    with open(path, "rb") as image:
        image.seek(PLACES[version])
        return image.read(4096)


def put(path, version, what):
    with open(path, "r+b") as image:
        image.seek(PLACES[version])
        image.write(what)


def present(path):
    magics = [struct.pack(order + "I", MAGIC) for order in "<>"]
    return [version for version in PLACES
            if block(path, version)[:4] in magics]


def member(folder, name, version, bitmap="none"):
    path = disk(folder, name, SIZE)
    expect("create", tell(folder, "create", "--yes", "-e", version,
                          "--bitmap", bitmap, path, "missing")[0], 0)
    return path


def old_superblock(order):
    return struct.pack(order + "6I", MAGIC, 0, 90, 0, 0, 0).ljust(4096, b"o")


def both(folder, name, first, second):
    """Two superblocks of two arrays; 0.90 comes in both byte orders."""
    path = member(folder, name, second)
    if first == "0.90":
        put(path, first, old_superblock("<" if second == "1.2" else ">"))
    else:
        put(path, first, block(member(folder, "other", first), first))
    return path


def commands(text):
    found = re.search(r"of no use: (.*)", text)
    return [] if found is None else found.group(1).split(", or ")


def check(folder, first, second):
    # A name that means something to a shell.
    what = f"{first} beside {second}"
    name = "a disk"
    path = both(folder, name, first, second)
    status, text = tell(folder, "examine", name)
    expect(what + " status", status, 1)
    status, verdict = tell(folder, "assemble", "--dry-run", name)
    expect(what + " assemble", status, 1)
    wanted = [f"nbdmirror erase --metadata {version} DISK"
              for version in ("1.0", "1.1", "1.2", "0.90")
              if version in (first, second)
              and (first != "0.90" or version == first)]
    expect(what + " examine", commands(text), wanted)
    expect(what + " in the verdict", commands(verdict), wanted)
    for command in wanted:
        path = both(folder, name, first, second)
        words = [name if word == "DISK" else word
                 for word in command.split()[1:]]
        before = block(path, words[2])
        status, text = tell(folder, *words, "--yes")
        expect(f"{what}: {command}", status, 0)
        other = [v for v in (first, second) if v != words[2]]
        expect(f"{what}: what stays", present(path), other)
        expect(f"{what}: is usable", tell(folder, "examine", name)[0], 0)
        undo, = re.findall(r"to undo it: nbdmirror (.*)", text)
        expect(f"{what}: {undo}", tell(folder, *shlex.split(undo),
                                       "--yes")[0], 0)
        expect(f"{what}: put back", block(path, words[2]) == before, True)
        expect(f"{what}: both are there", len(present(path)), 2)
    for file in os.listdir(folder):
        os.unlink(os.path.join(folder, file))


def nothing_to_erase(folder):
    path = member(folder, "a", "1.1")
    before = block(path, "1.1")
    for version in "0.90", "1.0", "1.2":
        status, text = tell(folder, "erase", "--yes", "--error-if-unchanged",
                            "--metadata", version, "a")
        expect(version, (status, text),
               (10, f"a: has no md superblock of version {version}\n"))
    expect("not touched", block(path, "1.1") == before, True)
    for version in "1", "0.9", "1.3", "", "all":
        expect(version, tell(folder, "erase", "--yes", f"--metadata={version}",
                             "a")[0], 2)
    expect("not touched", block(path, "1.1") == before, True)


def status_tells(folder):
    """0.90 alone, damaged or unsupported: never 0."""
    path = disk(folder, "old", SIZE)
    for order in "<", ">":
        put(path, "0.90", old_superblock(order))
        status, text = tell(folder, "examine", "old")
        expect("0.90", status, 1)
        expect("the hint", "nbdmirror erase --metadata 0.90 DISK" in text,
               True)
        expect("the verdict",
               run_json(folder, "examine", "old")["members"][0]["verdict"],
               "unsupported")
    path = member(folder, "new", "1.2")
    expect("beside a good one", tell(folder, "examine", "new", "old")[0], 1)
    status, text = tell(folder, "examine", "--compare", "new", "old")
    expect("side by side", (status, "old: unsupported:" in text), (1, True))
    tool.edit(path, "<I", 8, 5)  # a reshape
    expect("a reshape", tell(folder, "examine", "new")[0], 1)
    member(folder, "new", "1.2", "internal")
    with open(path, "r+b") as image:  # a bitmap of the future
        image.seek(4096 + 8 * 512 + 4)
        image.write(struct.pack("<I", 99))
    status, text = tell(folder, "examine", "new")
    expect("a bitmap of the future", status != 0, True)
    expect("and why", "new: bad-bitmap: bitmap version 99" in text, True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        for first, second in (("0.90", "1.0"), ("0.90", "1.1"),
                              ("0.90", "1.2"), ("1.0", "1.1"), ("1.0", "1.2"),
                              ("1.1", "1.2")):
            check(folder, first, second)
        nothing_to_erase(folder)
        status_tells(folder)
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
