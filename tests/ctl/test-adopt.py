#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""adopt makes an array of raw images whose data stay where they are: as large
as the image was, with metadata behind all of it.  What is not clear is refused
and nothing is written.  The undo file makes of each disk what it was."""

import contextlib
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

import tool
from tool import TOOL, disk, expect, run_json

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def contents(length, number=1):
    return random.Random(number).randbytes(length)


class Bench:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def clean(self):
        for entry in os.listdir(self.folder):
            os.unlink(self.path(entry))

    def image(self, name, data, size=None):
        with open(self.path(name), "wb") as file:
            file.write(data)
            file.truncate(len(data) if size is None else size)
        return name

    def bytes_of(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def size(self, name):
        return os.path.getsize(self.path(name))

    def run(self, *words):
        done = subprocess.run([TOOL, *words], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stdout + done.stderr

    def adopt(self, *words):
        status, text = self.run("adopt", "--yes", *words)
        expect(f"adopt {words}: {text}", status, 0)
        return text

    def undo_file(self, name):
        saved, = [entry for entry in os.listdir(self.folder)
                  if entry.startswith(name + "-")
                  and entry.endswith(".mdrestore")]
        return saved

    def undo(self, name, *options):
        return self.run("restore-metadata", "--yes", *options,
                        self.undo_file(name), name)

    def refused(self, what, code, *words, status=1):
        before = {name: self.bytes_of(name)
                  for name in os.listdir(self.folder)}
        seen, text = self.run("adopt", *words)
        last = text.splitlines()[-1] if text else ""
        expect(f"{what}: {text}", (seen, f": {code}: " in last),
               (status, True))
        after = {name: self.bytes_of(name)
                 for name in os.listdir(self.folder)}
        expect(what + ": nothing is written", after == before, True)


def member(bench, name):
    return run_json(bench.folder, "examine", name)["members"][0]


def check_places(bench):
    """Whatever the size is: all of it is the array, and nothing else is in
    it."""
    for size in (64 * KIB, 64 * KIB + 1, MIB, MIB + 511, 5 * MIB + 512,
                 8 * GIB - 5 * KIB, 8 * GIB + 512, 200 * GIB - 66 * KIB,
                 200 * GIB - 64 * KIB, 200 * GIB, 3 << 40):
        what = f"size {size}"
        bench.clean()
        bench.image("a", contents(4 * KIB), size)
        bench.adopt("a", "missing")
        seen = member(bench, "a")
        sectors = (size + 511) // 512
        expect(what + ": array", seen["array"]["size"], sectors * 512)
        expect(what + ": data", seen["data_offset_sectors"], 0)
        first = seen["super_offset_sectors"] \
            + seen["bitmap"]["offset_sectors"]
        expect(what + ": behind the data", first >= sectors, True)
        expect(what + ": no further than needed",
               bench.size("a") - size < 160 * KIB, True)
        status, text = bench.run("assemble", "--dry-run", "a")
        expect(what + ": " + text, status, 4)
        expect(what + ": undone", bench.undo("a")[0], 0)
        expect(what + ": as it was", (bench.size("a"),
               open(bench.path("a"), "rb").read(4 * KIB)),
               (size, contents(4 * KIB)))


def check_kinds(bench):
    """A copy, an empty file that is too short, one that is longer, none."""
    bench.clean()
    data = contents(2 * MIB)
    bench.image("a", data)
    bench.image("b", data)
    bench.image("short", b"", MIB)
    bench.image("long", b"", 9 * MIB)
    words = "a", "b", "short", "missing", "long"
    seen = run_json(bench.folder, "adopt", "--dry-run", *words)
    expect("planned", [one["becomes"] for one in seen["members"]],
           ["source", "equal", "rebuilt", "missing", "rebuilt"])
    expect("a dry run", sorted(os.listdir(bench.folder)),
           ["a", "b", "long", "short"])
    expect("a dry run: size", bench.size("a"), len(data))
    text = bench.adopt("--name", "vm", *words)
    expect("said", f"{len(data)} bytes), metadata 1.0" in text
           and "exactly the size of a" in text
           and "1 b: holds the same" in text
           and "2 short: gets everything" in text
           and "stays 9437184 bytes long" in text
           and "nbdkit -U mirror.sock mirror a b short long" in text, True)
    expect("the data stay", [bench.bytes_of(name)[:len(data)] == data
                             for name in "ab"], [True] * 2)
    status, text = bench.run("assemble", "--dry-run", "a", "b", "short",
                             "long")
    expect(text, (status, "short, long are rebuilt" in text), (5, True))
    states = [bench.run("assemble", "--dry-run", name)[0]
              for name in ("a", "b", "short")]
    expect("alone", states, [4, 4, 6])
    before = bench.bytes_of("a")
    expect("another one's undo file", bench.run(
        "restore-metadata", "--yes", bench.undo_file("a"), "b")[0], 1)
    expect("an undone dry run", bench.undo("a", "--dry-run")[0], 0)
    expect("still a member", bench.bytes_of("a") == before, True)
    # Erased or not.
    expect("erase", bench.run("erase", "--yes", "--no-backup", "b")[0], 0)
    for name, old in (("a", data), ("b", data), ("short", bytes(MIB)),
                      ("long", bytes(9 * MIB))):
        status, text = bench.undo(name)
        expect(f"undo {name}: {text}", status, 0)
        expect(f"undo {name}", bench.bytes_of(name) == old, True)
        expect("undo twice", bench.undo(name)[0],
               0 if name == "long" else 1)


def check_resized(bench):
    """What lies behind the old size is data now: it is not cut off."""
    bench.clean()
    bench.image("a", contents(MIB))
    bench.adopt("a", "missing")
    place = member(bench, "a")["super_offset_sectors"] * 512
    with open(bench.path("a"), "r+b") as image:
        image.seek(place)
        block = bytearray(image.read(4096))
        struct.pack_into("<Q", block, 80, MIB // 512 - 8)
        tool.checksum(block)
        image.seek(place)
        image.write(block)
    for options in [], ["--force"]:
        status, text = bench.undo("a", *options)
        expect(text, (status, "resized" in text), (1, True))


def check_undo_file(bench):
    """No part of it may be missing or changed."""
    bench.clean()
    bench.image("a", contents(MIB))
    bench.adopt("a", "missing")
    name = bench.undo_file("a")
    good = bench.bytes_of(name)
    for at in range(55, len(good) - 80, 331):
        bench.image(name, good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        expect(f"byte {at}", bench.undo("a", "--force")[0], 1)
        bench.image(name, good[:at])
        expect(f"cut to {at}", bench.undo("a", "--force")[0], 1)


@contextlib.contextmanager
def locked(path):
    program = ("import fcntl, struct, sys; f = open(sys.argv[1], 'r+b');"
               "fcntl.fcntl(f, 37, struct.pack('hhqqi4x', 1, 0, 0, 0, 0));"
               "print(1, flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", program, path],
                          stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        yield
        holder.stdin.close()


def partition(sector, count):
    return (bytes(446) + struct.pack("<8BII", 0, 0, 2, 0, 0x83, 0, 0, 0,
                                     sector, count)
            + bytes(48) + b"\x55\xaa")


def check_refusals(bench):
    data = contents(MIB)
    bench.clean()
    bench.image("a", data)
    bench.image("other", contents(MIB, 2))
    bench.image("empty", b"", MIB)
    bench.refused("nothing", "no-disk", status=2)
    bench.refused("one disk", "no-disk", "a", status=2)
    bench.refused("no source", "no-disk", "missing", "a", status=2)
    bench.refused("a level", "bad-option", "--level", "10", "a", "empty",
                  status=2)
    bench.refused("a name", "bad-option", "--name", "n" * 32, "a", "missing",
                  status=2)
    bench.refused("not there", "unusable", "--yes", "gone", "missing",
                  status=3)
    bench.refused("a folder", "unusable", "--yes", bench.folder, "missing")
    bench.refused("not confirmed", "not-confirmed", "a", "empty")
    bench.refused("the same", "unusable", "--yes", "a", "./a")
    bench.refused("another", "looks-used", "--yes", "a", "other")
    bench.refused("not a copy", "size-differs", "--yes", "--assume-clean",
                  "a", bench.image("half", data[:MIB // 2]))
    bench.refused("no folder", "no-backup", "--yes", "--backup-dir",
                  "nowhere", "a", "empty")
    bench.refused("tiny", "no-plan", "--yes",
                  bench.image("tiny", b"x" * 1024), "missing")
    with locked(bench.path("a")):
        bench.refused("in use", "unusable", "--yes", "a", "empty")
        bench.refused("in use", "unusable", "--yes", "other", "a")
    for name, head in ("qcow2", b"QFI\xfb\0\0\0\3"), ("vmdk", b"KDMV"):
        bench.refused(name, "no-raw-image", "--yes",
                      bench.image(name, head, MIB), "missing")
    bench.refused("vhd", "no-raw-image", "--yes", bench.image(
        "vhd", data + b"conectix" + bytes(504)), "missing")
    # Members, as such and in a partition, and what would look like one.
    bench.image("m", b"", MIB)
    bench.run("create", "--yes", "-e", "1.0", "m", "missing")
    bench.refused("a member", "has-superblock", "--yes", "m", "missing")
    bench.refused("a member", "has-superblock", "--yes", "a", "m")
    bench.image("whole", partition(2048, 2048) + bytes(MIB - 512)
                + bench.bytes_of("m") + bytes(MIB))
    bench.refused("a partition", "looks-used", "--yes", "whole", "missing")
    bench.clean()
    old = bytearray(data[4096:])
    bench.image("a", old)
    bench.adopt("a", "missing")
    place = bench.size("a") // 65536 * 65536 - 65536
    bench.undo("a")
    struct.pack_into("<2I", old, place, 0xa92b4efc, 0)
    bench.clean()
    bench.image("a", old)
    bench.refused("would be a superblock", "looks-used", "--yes", "a",
                  "missing")


def check_discard(bench):
    data = contents(MIB)
    bench.clean()
    bench.image("a", data)
    bench.image("other", contents(MIB, 2))
    bench.image("m", b"", 4 * MIB)
    bench.run("create", "--yes", "-e", "1.2", "m", "missing")
    text = bench.adopt("--discard", "a", "other", "m")
    expect(text, "TO BE LOST: member of md array" in text, True)
    status, text = bench.run("assemble", "--dry-run", "a", "other", "m")
    expect(text, (status, "other, m are rebuilt" in text), (5, True))
    expect("the data stay", bench.bytes_of("a")[:MIB] == data, True)


def check_assume_clean(bench):
    """Nobody looks."""
    bench.clean()
    bench.image("a", contents(MIB))
    bench.image("b", contents(MIB, 2))
    text = bench.adopt("--assume-clean", "a", "b")
    expect(text, "is taken to hold the same" in text, True)
    expect("in sync", bench.run("assemble", "--dry-run", "a", "b")[0], 0)


@contextlib.contextmanager
def exported(bench, *names):
    """Disks that cannot be made longer: their URIs."""
    servers, uris = [], []
    for name in names:
        socket = bench.path(name + ".sock")
        servers.append(subprocess.Popen(
            ["nbdkit", "-f", "--exit-with-parent", "-P",
             bench.path(name + ".pid"), "-U", socket, "file",
             bench.path(name)]))
        while not os.path.exists(bench.path(name + ".pid")):
            if servers[-1].poll() is not None:
                sys.exit("nbdkit does not start")
            subprocess.run(["sleep", "0.05"], check=True)
        uris.append(f"nbd+unix:///?socket={socket}")
    try:
        yield uris
    finally:
        for server in servers:
            server.terminate()
            server.wait()
        for name in names:
            for end in ".sock", ".pid":
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(bench.path(name + end))


def check_fixed_size(bench):
    """Room has to be proved, and what lies there comes back."""
    if shutil.which("nbdkit") is None:
        return
    full = partition(2048, 4 * MIB // 512 - 2048)
    some = partition(2048, 3 * MIB // 512 - 2048)
    bench.clean()
    for name, data in (("unknown", contents(4 * MIB)),
                       ("full", full + contents(4 * MIB - 512)),
                       ("some", some + contents(4 * MIB - 512))):
        bench.image(name, data)
    bench.image("copy", bench.bytes_of("some"))
    bench.image("file", bench.bytes_of("some"))
    before = {name: bench.bytes_of(name)
              for name in ("unknown", "full", "some", "copy", "file")}
    with exported(bench, "unknown", "full", "some", "copy") as uris:
        for i, name in enumerate(("unknown", "full")):
            status, text = bench.run("adopt", "--yes", uris[i], "missing")
            expect(text, (status, ": no-room: " in text), (1, True))
        status, text = bench.run("adopt", "--yes", "file", uris[3])
        expect(text, (status, ": too-small: " in text), (1, True))
        status, text = bench.run("adopt", "--yes", uris[2], uris[2])
        expect(text, (status, ": given-twice: " in text), (1, True))
        text = bench.adopt("--backup-dir", "..", uris[2], uris[3], "file")
        expect(text, "which cannot be made longer" in text, True)
        status, said = bench.run("assemble", "--dry-run", uris[2], uris[3],
                                 "file")
        expect(said, status, 0)
        for name in "some", "copy", "file":
            size = run_json(bench.folder, "examine",
                            name)["members"][0]["array"]["size"]
            expect(f"{name}: size", 3 * MIB <= size < 4 * MIB, True)
            expect(f"{name}: data", bench.bytes_of(name)[:size]
                   == before[name][:size], True)
            expect(f"{name}: is a member", bench.bytes_of(name)
                   == before[name], False)
        for line in text.splitlines():
            if "to undo it" in line:
                words = line.split("restore-metadata ")[1].split(" ", 1)
                status, said = bench.run("restore-metadata", "--yes",
                                         words[0], words[1].strip("'"))
                expect(said, status, 0)
    for name, old in before.items():
        expect(f"{name}: as it was", bench.bytes_of(name) == old, True)


def main():
    with tempfile.TemporaryDirectory() as top:
        bench = Bench(os.path.join(top, "disks"))
        os.mkdir(bench.folder)
        for check in (check_places, check_kinds, check_resized,
                      check_undo_file, check_refusals, check_discard,
                      check_assume_clean, check_fixed_size):
            check(bench)
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
