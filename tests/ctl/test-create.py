#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What create wrote, as mdadm reads it: field by field the same as our own
examine, for all versions, levels and layouts."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import tool
from tool import disk, expect, expect_lines, run, run_json

MIB = 1 << 20


def mdadm(folder, *arguments):
    # A name without a home host is everybody's.
    done = subprocess.run(["mdadm", *arguments], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C"})
    return re.sub(r"  \(local to host .*\)", "", done.stdout)


def field(text, name):
    match = re.search(rf"^ *{re.escape(name)} : (.*)$", text, re.M)
    return match and match.group(1)


def check(folder, metadata, level, layout, count, size, options):
    names = [f"d{i}.img" for i in range(count)]
    for name in names:
        disk(folder, name, size)
    what = f"{metadata} {level} {layout} {count} {size} {' '.join(options)}"
    arguments = ["--yes", "--metadata", metadata, "--level", level,
                 "--name", "host:test", *options]
    if layout:
        arguments += ["--layout", layout, "--chunk", "64K"]
    expect(what + " status",
           run(folder, "create", *arguments, *names)[0], 0)
    for i, name in enumerate(names):
        theirs = mdadm(folder, "--examine", name)
        ours = run(folder, "examine", "--mdadm", name)[1]
        expect_lines(f"{what} member {i}", ours, theirs)
        expect(what + " version", field(theirs, "Version"), metadata)
        expect(what + " checksum",
               field(theirs, "Checksum").endswith("- correct"), True)
        expect(what + " role", field(theirs, "Device Role"),
               f"Active device {i}")
        expect(what + " state", field(theirs, "State"),
               "clean" if "--assume-clean" in options else "active")
        expect(what + " bitmap",
               field(theirs, "Internal Bitmap") is not None,
               "none" not in options)
        expect(what + " name", field(theirs, "Name"), "host:test")
    seen = run_json(folder, "assemble", "--dry-run", *names)
    expect(what + " verdict", seen["result"], "start")
    expect(what + " good bitmap", seen["array"]["bitmap_good"],
           "none" not in options)
    # Padding that newer kernels use stays 0, so that all kernels take it.
    place = {"1.0": (size // 512 - 16) // 8 * 8 * 512,
             "1.1": 0, "1.2": 4096}[metadata]
    with open(os.path.join(folder, names[0]), "rb") as image:
        image.seek(place + 224)
        expect(what + " padding", image.read(32), bytes(32))


def main():
    if shutil.which("mdadm", path=os.environ["PATH"] + ":/sbin:/usr/sbin") \
            is None:
        print("mdadm is not installed")
        return 77
    os.environ["PATH"] += ":/sbin:/usr/sbin"
    arrays = 0
    with tempfile.TemporaryDirectory() as folder:
        for metadata in "1.0", "1.1", "1.2":
            for level, layout, count in (
                    ("1", None, 2), ("1", None, 4), ("10", "n2", 2),
                    ("10", "n2", 3), ("10", "f2", 3), ("10", "o2", 4),
                    ("10", "n3", 4)):
                for size in 8 * MIB, 100 * MIB + 5 * 512, 300 << 30:
                    for options in (["--bitmap", "none", "--assume-clean"],
                                    ["--bitmap", "internal"]):
                        check(folder, metadata, level, layout, count, size,
                              options)
                        arrays += 1
        # mdadm and the comparison can find a difference.
        before = tool.failures
        with open(os.path.join(folder, "d0.img"), "r+b") as image:
            image.seek(4096 + 200)
            image.write(b"\1")
        print("what follows is planted:")
        theirs = mdadm(folder, "--examine", "d0.img")
        expect("planted checksum", "correct" in theirs, True)
        if tool.failures == before:
            sys.exit("the checker is broken")
    print(f"{arrays} arrays, {before} differences")
    return 1 if before else 0


if __name__ == "__main__":
    sys.exit(main())
