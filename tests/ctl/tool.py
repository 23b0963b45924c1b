# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of nbdmirror share: running it, disks, expectations."""

import json
import os
import struct
import subprocess
import sys

TOP = os.environ.get("top_srcdir") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../..")
TOOL = os.environ.get("NBDMIRROR") or os.path.abspath("nbdmirror")

PLACE = 4096  # of a 1.2 superblock

failures = 0


def expect(what, seen, wanted):
    global failures
    if seen != wanted:
        failures += 1
        print(f"{what}: saw {seen!r}, expected {wanted!r}")


def run(folder, *arguments, quiet=False):
    """(status, stdout) of nbdmirror in that folder."""
    # Times and sorting as in the recorded outputs.
    done = subprocess.run([TOOL, *arguments], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL if quiet else None,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C"})
    if done.returncode not in range(0, 11):
        sys.exit(f"nbdmirror {arguments}: status {done.returncode}")
    return done.returncode, done.stdout


def run_json(folder, *arguments):
    return json.loads(run(folder, "--json", *arguments, quiet=True)[1])


def commands():
    """All that the program says it has."""
    text = subprocess.run([TOOL, "--help"], text=True, check=True,
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE).stdout
    lines = text[text.index("\nCommands"):].splitlines()[2:]
    return [line.split()[0] for line in lines if line.startswith("  ")]


def disk(folder, name, size):
    path = os.path.join(folder, name)
    with open(path, "wb") as image:
        image.truncate(size)
    return path


def expect_lines(what, seen, wanted):
    """White space at the ends of lines and of the whole does not count."""
    seen = [line.strip() for line in seen.strip().splitlines()]
    wanted = [line.strip() for line in wanted.strip().splitlines()]
    if seen == wanted:
        return
    for a, b in zip(seen, wanted):
        if a != b:
            expect(what, a, b)
    expect(what + " lines", len(seen), len(wanted))


def checksum(block):
    roles, = struct.unpack_from("<I", block, 220)
    length = 256 + 2 * roles
    block[216:220] = bytes(4)
    total = sum(struct.unpack_from(f"<{length // 4}I", block))
    struct.pack_into("<I", block, 216,
                     ((total & 0xffffffff) + (total >> 32)) & 0xffffffff)


def edit(path, fmt, offset, value, fix=True):
    """Change one field of a 1.2 superblock."""
    with open(path, "r+b") as image:
        image.seek(PLACE)
        block = bytearray(image.read(4096))
        struct.pack_into(fmt, block, offset, value)
        if fix:
            checksum(block)
        image.seek(PLACE)
        image.write(block)
