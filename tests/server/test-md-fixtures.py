#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that Linux made, served for reading: what the manifest says is what
a client sees, whatever the order of the disks, and nothing is written."""

import hashlib
import json
import lzma
import os
import re
import subprocess
import sys
import tempfile

TOP = os.environ.get("top_srcdir") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../..")
LIMIT_S = int(os.environ.get("MIRROR_HANG_LIMIT", 600))
MIRROR = os.environ.get("MIRROR_SO") or os.path.abspath("mirror.so")
FIXTURES = os.path.join(TOP, "tests/fixtures/md")

failures = 0


def expect(what, seen, wanted):
    global failures
    if seen != wanted:
        failures += 1
        print(f"{what}: saw {seen!r}, expected {wanted!r}")


# What the members must not be read for: other bytes are put there.
def spoil(image, member):
    for start, length in member["bad_blocks"]:
        image[start * 512:(start + length) * 512] = b"BAD!" * 128 * length
    if member["recovery_offset"] is not None:
        start = (member["data_offset"] + member["recovery_offset"]) * 512
        image[start:] = b"OLD!" * ((len(image) - start) // 4)


def unpack(folder, members, spoiled):
    disks = []
    for member in members:
        with lzma.open(os.path.join(FIXTURES, member["file"])) as xz:
            image = bytearray(xz.read())
        if spoiled:
            spoil(image, member)
        disks.append(os.path.join(folder, f"m{member['member']}.img"))
        with open(disks[-1], "wb") as disk:
            disk.write(image)
    return disks


def sums(disks):
    result = []
    for path in disks:
        with open(path, "rb") as disk:
            result.append(hashlib.sha256(disk.read()).hexdigest())
    return result


def serve(disks, out, *options):
    """(status, messages); what is served is in the file out."""
    command = "nbdinfo --size \"$uri\" >size && nbdcopy \"$uri\" " + out
    folder = os.path.dirname(disks[0])
    socket = os.path.join(folder, "once.sock")
    if os.path.exists(socket):
        os.remove(socket)
    done = subprocess.run(["nbdkit", "-U", socket, *options, MIRROR, *disks,
                           "--run", command], cwd=folder,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, timeout=LIMIT_S)
    return done.returncode, done.stderr


def check_served(what, disks, member):
    folder = os.path.dirname(disks[0])
    before = sums(disks)
    orders = [("", disks), (" reversed", disks[::-1])]
    if member["fixture"] == "raid1-1.2-replacing":
        orders += [(" without slot 1", [disks[2], disks[0]])]
    for order, given in orders:
        out = os.path.join(folder, "out")
        status, messages = serve(given, out, "-r")
        expect(what + order + " status", (status, messages)
               if status != 0 else 0, 0)
        if status != 0:
            continue
        with open(os.path.join(folder, "size")) as size:
            expect(what + order + " size", int(size.read()),
                   member["array_bytes"])
        expect(what + order + " data", sums([out])[0], member["array_sha256"])
    expect(what + " members afterwards", sums(disks), before)


def check_refused(what, disks):
    before = sums(disks)
    for options in ["-r"], []:
        status, messages = serve(disks, "out", *options)
        expect(what + " status", status, 1)
        names = [disk for disk in disks if f"disk {disk}: " in messages]
        expect(f"{what} names one disk ({messages.strip()})", len(names), 1)
        expect(what + " lines", len(messages.splitlines()), 1)
        expect(what + " why", bool(re.search(r"reshape is in progress",
                                             messages)), True)
    expect(what + " members afterwards", sums(disks), before)


def main():
    fixtures = {}
    with open(os.path.join(FIXTURES, "manifest.jsonl")) as manifest:
        for line in manifest:
            member = json.loads(line)
            fixtures.setdefault(member["fixture"], []).append(member)
    with tempfile.TemporaryDirectory() as scratch:
        for name, members in fixtures.items():
            folder = os.path.join(scratch, name)
            os.mkdir(folder)
            if members[0]["open"] == "refuse":
                check_refused(name, unpack(folder, members, False))
                continue
            for spoiled in False, True:
                disks = unpack(folder, members, spoiled)
                check_served(name + (" spoiled" if spoiled else ""), disks,
                             members[0])
        # This test can fail: a manifest that is wrong is found out.
        before = failures
        name = "raid1-1.0"
        wrong = dict(fixtures[name][0], array_bytes=4096, array_sha256="0")
        print("what follows is planted:")
        check_served(name, [os.path.join(scratch, name, f"m{i}.img")
                            for i in range(2)], wrong)
        if failures != before + 4:
            sys.exit("the checker is broken")
    print(f"{len(fixtures)} arrays, {before} differences")
    return 1 if before else 0


if __name__ == "__main__":
    sys.exit(main())
