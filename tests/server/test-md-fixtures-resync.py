#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that Linux made, served for writing: what has to be brought together
is, what a client sees stays the same, and then the members agree."""

import json
import lzma
import os
import subprocess
import sys
import tempfile
import time

TOP = os.environ.get("top_srcdir") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../..")
MIRROR = os.environ.get("MIRROR_SO") or os.path.abspath("mirror.so")
TOOL = os.environ.get("NBDMIRROR") or os.path.abspath("nbdmirror")
FIXTURES = os.path.join(TOP, "tests/fixtures/md")
LIMIT_S = int(os.environ.get("MIRROR_HANG_LIMIT", 600))

failures = 0


def expect(what, seen, wanted):
    global failures
    if seen != wanted:
        failures += 1
        print(f"{what}: saw {seen!r}, expected {wanted!r}")


def unpack(folder, members):
    disks = []
    for member in members:
        disks.append(os.path.join(folder, f"m{member['member']}.img"))
        with lzma.open(os.path.join(FIXTURES, member["file"])) as xz, \
                open(disks[-1], "wb") as disk:
            disk.write(xz.read())
    return disks


def examine(disk):
    done = subprocess.run([TOOL, "--json", "examine", disk],
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)["members"][0]


def is_whole(disks):
    return all(seen["clean"] and seen["recovery_offset_sectors"] is None
               and seen["slots"] == "A" * seen["array"]["members"]
               for seen in map(examine, disks))


def command(folder, *arguments):
    return subprocess.run(arguments, cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, timeout=LIMIT_S,
                          text=True, check=True).stdout


def bring_together(what, disks, member):
    folder = os.path.dirname(disks[0])
    uri = f"nbd+unix:///?socket={folder}/sock"
    server = subprocess.Popen(["nbdkit", "-f", "-P", "pid", "-U",
                               f"{folder}/sock", MIRROR, *disks],
                              cwd=folder, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + LIMIT_S
    try:
        while not os.path.exists(f"{folder}/pid"):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{what}: the server did not start")
            time.sleep(0.02)
        for attempt in range(2):        # while it goes on, and afterwards
            command(folder, "nbdcopy", uri, "out")
            out = command(folder, "sha256sum", "out").split()[0]
            expect(what + " data", out, member["array_sha256"])
            while not is_whole(disks):
                if time.monotonic() > deadline:
                    expect(what + " is whole", False, True)
                    return
                time.sleep(0.02)
    finally:
        server.terminate()
        expect(what + " status", server.wait(LIMIT_S), 0)


def data(disk, member):
    seen = examine(disk)
    image = bytearray(open(disk, "rb").read())
    start = seen["data_offset_sectors"] * 512
    return image[start:start + member["array_bytes"]]


def main():
    fixtures = {}
    with open(os.path.join(FIXTURES, "manifest.jsonl")) as manifest:
        for line in manifest:
            member = json.loads(line)
            fixtures.setdefault(member["fixture"], []).append(member)
    with tempfile.TemporaryDirectory() as scratch:
        for name, members in fixtures.items():
            if members[0]["open"] == "refuse" or "replacing" in name:
                continue
            folder = os.path.join(scratch, name)
            os.mkdir(folder)
            disks = unpack(folder, members)
            if members[0]["open"] == "rw" and "stale" not in name:
                # Nothing is to be done: nothing is done.
                before = [open(disk, "rb").read() for disk in disks]
                bring_together(name, disks, members[0])
                expect(name + " untouched",
                       [open(disk, "rb").read() for disk in disks] == before,
                       True)
                continue
            bring_together(name, disks, members[0])
            if members[0]["level"] == 1:
                copies = [data(disk, members[0]) for disk in disks]
                expect(name + " copies", all(copy == copies[0]
                                             for copy in copies), True)
    print(f"{failures} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
