# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that a real kernel and the mirror take turns with.

What both sides share: what an array is and where its sectors lie (worked out
here once more, from nobody's code), and what two programs say about its
members.  mdcontent.py knows what must be on it, mdguest.py has the kernel's
side, mdhost.py the mirror's.

An Array is kept in $scratch between the host and its guests.
"""

import array
import contextlib
import json
import os
import random
import re
import struct
import subprocess
import sys
import traceback

from mdcontent import (Content, Failure, JUNK, SECTOR, expect, pick, stamp,
                       told)

KIB = 1024
MIB = 1024 * 1024
SCRATCH = os.environ["scratch"]
NBDMIRROR = os.environ["NBDMIRROR"]
SEED = os.environ["MIRROR_SEED"]
LONG = bool(os.environ.get("LONG"))

failures = 0


@contextlib.contextmanager
def case(what, subject=None):
    """What fails in here ends this case, not the others."""
    global failures
    try:
        yield
    except Exception as error:
        if not isinstance(error, Failure):
            traceback.print_exc(file=sys.stdout)
        failures += 1
        print(f"FAILED: {what}: {error}", flush=True)
        if subject is not None:
            subject.failed = True


@contextlib.contextmanager
def must_fail(what):
    """The checker itself is checked: what is planted has to be found."""
    try:
        yield
    except Failure as error:
        print(f"planted, and found: {error}", flush=True)
        return
    raise Failure(f"{what} was planted and not found: the checker is broken")


def finish(arrays=()):
    """Keep the arrays, and end with a status."""
    for one in arrays:
        one.save()
    sys.stdout.flush()
    sys.exit(1 if failures else 0)


def chance(*names):
    """Random numbers that a seed repeats, whoever asks for others."""
    return random.Random("/".join(map(str, (SEED, *names))))


def run(*command, status=0, stderr=subprocess.STDOUT):
    """What it prints."""
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=stderr,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C"})
    if status is not None and done.returncode != status:
        raise Failure(f"{' '.join(command)}: status {done.returncode}, "
                      f"expected {status}: {done.stdout.strip()}")
    return done.stdout


# -------------------------------------------------------------------- array

LAYOUTS = {"n2": 0x102, "f2": 0x201, "o2": 0x10201}


class Array:
    """Level 1 has layout None.  @bitmap: bytes of array that a bit stands
    for, or None."""

    def __init__(self, name, level, layout, members, metadata, bitmap,
                 disk_size=9 * MIB, chunk=64 * KIB):
        self.name = name
        self.level = level
        self.layout = layout
        self.members = members
        self.metadata = metadata
        self.bitmap = bitmap
        self.disk_size = disk_size
        self.chunk = chunk
        self.disks = [f"{SCRATCH}/{name}.{i}" for i in range(members)]
        self.failed = False
        self.notes = {}         # for the test
        self.content = None     # once the size is known

    def __str__(self):
        return (f"{self.name} (raid{self.level} {self.layout or '-'} "
                f"{self.members} disks, {self.metadata}, bitmap "
                f"{self.bitmap})")

    def make_disks(self):
        for disk in self.disks:
            with open(disk, "wb") as image:
                image.truncate(self.disk_size)

    def has_size(self, size):
        """What somebody who serves it says; all must say the same."""
        if self.content is None:
            self.content = Content(size // SECTOR)
        expect(f"{self}: size", size, len(self.content.now) * SECTOR)

    def compare_views(self, when):
        """mdadm and nbdmirror about all members."""
        members = compare_views(f"{self}, {when}", self.disks)
        for member in members:
            self.has_size(member["array"]["size"])
        return members

    def save(self):
        kept = {key: value for key, value in vars(self).items()
                if key not in ("content", "disks")}
        if self.content:
            kept["last"] = self.content.last
            kept["planted"] = sorted(self.content.planted)
            kept["maybe"] = [[sector, sorted(allowed)] for sector, allowed
                             in self.content.maybe.items()]
            with open(f"{SCRATCH}/{self.name}.content", "wb") as stream:
                self.content.now.tofile(stream)
        with open(f"{SCRATCH}/{self.name}.json", "w") as stream:
            json.dump(kept, stream)

    @classmethod
    def load(cls, name):
        with open(f"{SCRATCH}/{name}.json") as stream:
            kept = json.load(stream)
        self = cls(*(kept[key] for key in (
            "name", "level", "layout", "members", "metadata", "bitmap",
            "disk_size", "chunk")))
        self.failed = kept["failed"]
        self.notes = kept["notes"]
        if "last" in kept:
            path = f"{SCRATCH}/{name}.content"
            self.content = Content(os.path.getsize(path) // 8)
            with open(path, "rb") as stream:
                now = array.array("Q")
                now.fromfile(stream, len(self.content.now))
            self.content.now = now
            self.content.last = kept["last"]
            self.content.planted = set(kept["planted"])
            self.content.maybe = {sector: set(allowed) for sector, allowed
                                  in kept["maybe"]}
        return self

    # ------------------------------------------------- where sectors lie

    def places(self, sector):
        """[(slot, sector of the member's data)], all copies of it."""
        if self.level == 1:
            return [(slot, sector) for slot in range(self.members)]
        chunk = self.chunk // SECTOR
        number, rest = divmod(sector, chunk)
        if self.layout == "n2":
            return [((2 * number + copy) % self.members,
                     (2 * number + copy) // self.members * chunk + rest)
                    for copy in (0, 1)]
        row, slot = divmod(number, self.members)
        other = (slot + 1) % self.members
        if self.layout == "o2":
            return [(slot, 2 * row * chunk + rest),
                    (other, (2 * row + 1) * chunk + rest)]
        chunks = len(self.content.now) // chunk
        half = -(-chunks // self.members)       # rows of one half
        return [(slot, row * chunk + rest),
                (other, (half + row) * chunk + rest)]

    def copies(self, sector):
        """{slot: its 512 bytes}, read behind everybody's back."""
        found = {}
        for slot, place in self.places(sector):
            with open(self.disks[slot], "rb") as image:
                image.seek(self.data_offset(slot) + place * SECTOR)
                found[slot] = image.read(SECTOR)
        return found

    def overwrite(self, sector, slot, data):
        """Change one copy behind everybody's back."""
        place = dict(self.places(sector))[slot]
        with open(self.disks[slot], "r+b") as image:
            image.seek(self.data_offset(slot) + place * SECTOR)
            image.write(data)

    # --------------------------------------------------- what is recorded

    def super_offset(self):
        return {"1.0": (self.disk_size // SECTOR - 16) // 8 * 8 * SECTOR,
                "1.1": 0, "1.2": 4096}[self.metadata]

    def superblock(self, slot):
        with open(self.disks[slot], "rb") as image:
            image.seek(self.super_offset())
            return image.read(4096)

    def data_offset(self, slot):
        return struct.unpack_from("<Q", self.superblock(slot),
                                  128)[0] * SECTOR

    def bits(self, slot):
        """The numbers of the bits that are set in a member's bitmap."""
        offset = struct.unpack_from("<i", self.superblock(slot), 96)[0]
        count = -(-len(self.content.now) * SECTOR // self.bitmap)
        with open(self.disks[slot], "rb") as image:
            image.seek(self.super_offset() + offset * SECTOR + 256)
            area = image.read(-(-count // 8))
        return {i for i in range(count) if area[i // 8] >> i % 8 & 1}

    def bits_of(self, ranges):
        """The bits of [(first sector, count)]."""
        unit = self.bitmap // SECTOR
        return {bit for first, count in ranges
                for bit in range(first // unit,
                                 (first + count - 1) // unit + 1)}


# --------------------------------------------------------- what programs say

def nbdmirror(*arguments):
    """Whatever it thinks of these disks: its exit status is not asked."""
    return run(NBDMIRROR, *arguments, status=None, stderr=subprocess.DEVNULL)


def examine(disks):
    """nbdmirror's view: one dictionary per disk."""
    return json.loads(nbdmirror("--json", "examine", *disks))["members"]


def mdadm(*arguments):
    # A name without a home host is everybody's.
    return re.sub(r"  \(local to host .*\)", "",
                  run("mdadm", *arguments, status=None))


def lines(text):
    return [line.strip() for line in text.strip().splitlines()]


def same_lines(what, ours, theirs):
    ours, theirs = lines(ours), lines(theirs)
    for number, pair in enumerate(zip(ours, theirs), 1):
        if pair[0] != pair[1]:
            raise Failure(f"{what}, line {number}: nbdmirror says "
                          f"{pair[0]!r}, mdadm says {pair[1]!r}")
    expect(f"{what}, number of lines", len(ours), len(theirs))


def compare_views(what, disks):
    """nbdmirror, in both its forms, and mdadm say the same of these disks.
    Returns nbdmirror's view."""
    theirs = mdadm("--examine", *disks)
    same_lines(f"{what} --examine",
               nbdmirror("examine", "--mdadm", *disks), theirs)
    members = examine(disks)
    parts = re.split(r"^(?=\S.*:$)", theirs, flags=re.M)[1:]
    expect(f"{what}: mdadm knows so many", len(parts), len(members))
    for member, part in zip(members, parts):
        name = f"{what} {os.path.basename(member['disk'])}"
        field = {key.strip(): value.strip() for key, _, value in
                 (line.partition(" : ") for line in part.splitlines())}
        expect(f"{name}: verdict", member["verdict"], "ok")
        for key, seen in (
                ("Version", member["metadata"]),
                ("Feature Map", hex(member["feature_map"])),
                ("Array UUID", member["array"]["uuid"]),
                ("Name", member["array"]["name"]),
                ("Raid Level", member["array"]["level"]),
                ("Raid Devices", str(member["array"]["members"])),
                ("Device UUID", member["device_uuid"]),
                ("Events", str(member["events"])),
                ("State", "clean" if member["clean"] else "active"),
                ("Data Offset", sectors(member["data_offset_sectors"] or
                                        None)),
                ("Super Offset", sectors(member["super_offset_sectors"])),
                ("Checksum", f"{member['checksum']:x} - correct"),
                ("Device Role", role(member)),
                ("Array State", member["slots"] + " ('A' == active, "
                 "'.' == missing, 'R' == replacing)"),
                ("Recovery Offset",
                 sectors(member["recovery_offset_sectors"]))):
            expect(f"{name}: {key}, from --json and mdadm", seen,
                   field.get(key))
    return members


def role(member):
    said = re.sub("^(active|recovering)", "Active device", member["role"])
    return re.sub("^replacement", "Replacement device", said)


def sectors(number):
    return None if number is None else f"{number} sectors"


def compare_bitmaps(what, disks):
    """The same for their bitmaps.  mdadm wants block devices."""
    same_lines(f"{what} --examine-bitmap",
               nbdmirror("examine", "--mdadm", "--bitmap", *disks),
               "".join(mdadm("--examine-bitmap", disk) for disk in disks))


def expect_in_sync(what, members, clean=True):
    """Of a whole array: every slot is there and says so."""
    for slot, member in enumerate(members):
        name = f"{what} slot {slot}"
        expect(f"{name}: role", member["role"], f"active {slot}")
        expect(f"{name}: members seen", member["slots"], "A" * len(members))
        expect(f"{name}: recovery", member["recovery_offset_sectors"], None)
        expect(f"{name}: events", member["events"], members[0]["events"])
        expect(f"{name}: clean", member["clean"], clean)
