#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""examine --raw: every byte of superblock and bitmap head, once, in order,
and the numbers that --json has, too."""

import os
import struct
import sys
import tempfile

import tool
from tool import disk, expect, run, run_json


def parse(text):
    """{title: (bytes by offset, value by field)} of one disk."""
    areas = {}
    for line in text.splitlines()[1:]:
        if "from byte" in line:
            area, values = {}, {}
            areas[line.split()[0]] = (area, values)
            continue
        words = line.split()
        if words == ["*"]:
            previous = bytes(area[i] for i in range(start, start + 16))
            continue
        start = int(words[0])
        data = []
        for word in line[8:56].split():
            data.append(int(word, 16))
        # What a * stands for.
        gap = start - len(area)
        if gap > 0 and area:
            for i in range(gap):
                area[len(area)] = previous[i % 16]
        for i, byte in enumerate(data):
            area[start + i] = byte
        rest = line[57:].split(None, 1)
        if len(rest) == 2:
            values[rest[0]] = rest[1].strip()
    return areas


def check(folder, version):
    path = disk(folder, "d0", 8 << 20)
    run(folder, "create", "--yes", "--metadata", version, "--bitmap-chunk",
        "64K", path, "missing")
    seen = run_json(folder, "examine", path)["members"][0]
    status, text = run(folder, "examine", "--raw", path)
    expect("status", status, 0)
    areas = parse(text)
    place = {"1.0": (8 << 20) - 8192, "1.1": 0, "1.2": 4096}[version]
    with open(path, "rb") as image:
        data = image.read()
    for name, start in (("superblock", place), ("bitmap,", None)):
        area, values = areas[name]
        if start is None:
            offset, = struct.unpack_from("<i", data, place + 96)
            start = place + offset * 512
        expect(name + " bytes",
               bytes(area[i] for i in sorted(area)),
               data[start:start + len(area)])
        expect(name + " has no gaps", sorted(area), list(range(len(area))))
    values = areas["superblock"][1]
    for field, name in (("events", "events"),
                        ("data_offset", "data_offset_sectors")):
        expect(field, values[field], str(seen[name]))
    expect("magic", values["magic"], "0xa92b4efc")
    expect("bitmap_offset", "-" in values["bitmap_offset"], version == "1.0")
    expect("roles", values["dev_roles[0]"].split()[:2], ["0", "0xffff"])
    expect("chunk", areas["bitmap,"][1]["chunksize"], "65536")


def check_damaged(folder):
    """What is wrong is shown all the same."""
    path = disk(folder, "d1", 8 << 20)
    run(folder, "create", "--yes", path, "missing")
    with open(path, "r+b") as image:
        image.seek(4096 + 220)
        image.write(b"\xff\xff\xff\xff")
    status, text = run(folder, "examine", "--raw", path, quiet=True)
    expect("damaged", status, 8)
    expect("max_dev", parse(text)["superblock"][1]["max_dev"], "4294967295")
    expect("no bitmap", "bitmap," in parse(text), False)
    status, text = run(folder, "examine", "--raw", disk(folder, "e", 1 << 20),
                       quiet=True)
    expect("no superblock", (status, text), (1, ""))


def main():
    with tempfile.TemporaryDirectory() as folder:
        for version in ("1.0", "1.1", "1.2"):
            check(folder, version)
            os.unlink(os.path.join(folder, "d0"))
        check_damaged(folder)
    sys.exit(tool.failures != 0)


main()
