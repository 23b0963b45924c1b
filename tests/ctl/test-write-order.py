#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The order in which create, erase and restore-metadata write, and what is on
stable storage before what.  At every point where a write or a flush fails, too:
then nothing more is written."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import tool
from tool import TOOL, TOP, disk, expect, run, run_json

SIZE = 8 << 20


class Notes:
    """What write-log.c noted, played back: a disk is a list of ranges that
    are written and not yet on stable storage."""

    def __init__(self, what, disks):
        self.what = what
        self.disks = disks
        self.pending = {path: [] for path in disks}
        self.failed = False
        self.writes = 0

    def wrong(self, text):
        expect(self.what, text, "in order")

    def play(self, notes):
        for line in notes:
            words = re.fullmatch(r"(failed )?(sync|write (\d+) (\d+)) (.*)",
                                 line)
            path = words[5]
            if self.failed and words[3] is not None:
                self.wrong(f"after a failure: {line}")
            if words[3] is not None:
                self.writes += 1
                begin, length = int(words[3]), int(words[4])
                self.write(path, begin, begin + length)
                self.pending.setdefault(path, []).append((begin,
                                                          begin + length))
            elif not words[1]:
                self.sync(path)
                self.pending[path] = []
            self.failed = self.failed or words[1] is not None

    def write(self, path, begin, end):
        pass

    def sync(self, path):
        pass

    def is_durable(self, paths):
        return not any(self.pending.get(path) for path in paths)

    def finish(self, status):
        expect(self.what + ": status", status, 1 if self.failed else 0)
        if not self.failed and not self.is_durable(list(self.pending)):
            self.wrong("ends with something not on stable storage")


class Create(Notes):
    """Old superblocks go, everywhere; then bitmaps come, everywhere; then the
    new superblocks."""

    def __init__(self, what, disks, old, new):
        super().__init__(what, disks)
        self.old = {path: set(old) for path in disks}
        self.new = new  # path -> (superblock, (bitmap, its end) or None)
        self.bitmap_left = {path: None if new[path][1] is None
                            else list(new[path][1]) for path in disks}
        self.made = []

    def write(self, path, begin, end):
        if begin in self.old[path]:
            self.old[path].remove(begin)
            if self.made:
                self.wrong("erases what is new")
            return
        if any(self.old.values()):
            self.wrong(f"{path}: {begin} written before all that is old is "
                       f"erased: {self.old}")
        if not self.made and begin != self.new[path][0]:
            self.write_bitmap(path, begin, end)
            return
        if not self.made:
            self.first_superblock()
        if begin != self.new[path][0] or path in self.made:
            self.wrong(f"{path}: {begin} written after a superblock")
        self.made.append(path)

    def write_bitmap(self, path, begin, end):
        left = self.bitmap_left[path]
        if left is None or begin != left[0]:
            self.wrong(f"{path}: {begin} is nothing of ours")
            return
        if left[0] == self.new[path][1][0] and not any(
                self.new[p][1] and self.bitmap_left[p][0] != self.new[p][1][0]
                for p in self.disks) and not self.is_durable(self.disks):
            self.wrong("the first bitmap comes before all is erased durably")
        left[0] = end

    def first_superblock(self):
        for path, left in self.bitmap_left.items():
            if left is not None and left[0] < left[1]:
                self.wrong(f"a superblock before the bitmap of {path}")
        if not self.is_durable(self.disks):
            self.wrong(f"a superblock before all else is durable: "
                       f"{self.pending}")

    def finish(self, status):
        super().finish(status)
        if not self.failed:
            expect(self.what + ": made", sorted(self.made),
                   sorted(self.disks))


class Erase(Notes):
    """A superblock goes when its restore file cannot get lost any more."""

    def __init__(self, what, disks, folder):
        super().__init__(what, disks)
        self.folder = folder
        self.saved = set()
        self.safe = set()

    def sync(self, path):
        if path == self.folder:
            self.safe |= self.saved
        elif path.endswith(".mdrestore"):
            name = re.sub(r"-\d+(-\d+)?\.mdrestore$", "",
                          os.path.basename(path))
            self.saved.add(os.path.join(os.path.dirname(self.disks[0]), name))

    def write(self, path, begin, end):
        if path in self.disks and path not in self.safe:
            self.wrong(f"{path} written before its restore file is safe")


class Bench:
    def __init__(self, folder, preload):
        self.folder = folder
        self.preload = preload
        self.notes = os.path.join(os.path.dirname(preload), "notes")

    def run(self, checker, words, fail=0):
        """True: the failure was reached."""
        if os.path.exists(self.notes):
            os.unlink(self.notes)
        done = subprocess.run(
            [TOOL, *words], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if fail else None,
            env={**os.environ, "LD_PRELOAD": self.preload,
                 "WRITE_LOG": self.notes, "WRITE_LOG_FOLDER": self.folder,
                 "WRITE_LOG_FAIL": str(fail)})
        with open(self.notes) as file:
            checker.play(file.read().splitlines())
        checker.finish(done.returncode)
        return checker.failed

    def clean(self, old, names):
        """Disks with what was there before, and nothing else."""
        kept = os.path.join(os.path.dirname(self.folder),
                            "kept " + " ".join([*old, *names]))
        if not os.path.exists(kept):
            os.mkdir(kept)
            for name in names:
                with open(disk(kept, name, SIZE), "r+b") as image:
                    for version in old:
                        image.seek(place(version))
                        image.write(self.superblock(version, names))
        shutil.rmtree(self.folder)
        shutil.copytree(kept, self.folder)

    def superblock(self, version, names):
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                disk(folder, name, SIZE)
            run(folder, "create", "--yes", "-e", version, *names)
            with open(os.path.join(folder, names[0]), "rb") as image:
                image.seek(place(version))
                return image.read(4096)

    def places(self, names):
        """Where create put things."""
        made = {}
        for member in run_json(self.folder, "examine", *names)["members"]:
            start = member["super_offset_sectors"]
            bitmap = member["bitmap"]
            if bitmap is not None:
                begin = (start + bitmap["offset_sectors"]) * 512
                bitmap = begin, begin + 256 + (bitmap["chunks"] + 7) // 8
            made[os.path.join(self.folder, member["disk"])] \
                = start * 512, bitmap
        return made


def place(version):
    return {"1.0": SIZE - 8192, "1.1": 0, "1.2": 4096}[version]


def with_failures(bench, prepare, checker, words):
    """Once with all well, then with each step failing in turn."""
    prepare()
    bench.run(checker(0), words)
    fail = 1
    while True:
        prepare()
        if not bench.run(checker(fail), words, fail):
            return
        fail += 1


def check_create(bench, old, options, names):
    words = ["create", "--yes", "--force", *options, *names]
    what = f"{' '.join(words)} over {old}"
    bench.clean((), names)
    run(bench.folder, *words)
    new = bench.places(names)
    with_failures(
        bench, lambda: bench.clean(old, names),
        lambda fail: Create(f"{what}, failure {fail}", list(new),
                            [place(version) for version in old], new), words)


def check_erase(bench, old, names):
    paths = [os.path.join(bench.folder, name) for name in names]
    with_failures(
        bench, lambda: bench.clean(old, names),
        lambda fail: Erase(f"erase {old}, failure {fail}", paths,
                           bench.folder),
        ["erase", "--yes", *names])


def check_restore(bench, old, names):
    path = os.path.join(bench.folder, names[0])

    def prepare():
        bench.clean(old, names)
        run(bench.folder, "erase", "--yes", names[0])
        saved, = [name for name in os.listdir(bench.folder)
                  if name.endswith(".mdrestore")]
        os.rename(os.path.join(bench.folder, saved),
                  os.path.join(bench.folder, "saved"))

    with_failures(bench, prepare,
                  lambda fail: Notes(f"restore {old}, failure {fail}", [path]),
                  ["restore-metadata", "--yes", "saved", names[0]])


def main():
    compiler = os.environ.get("CC") or "cc"
    if shutil.which(compiler.split()[0]) is None:
        print("no compiler")
        return 77
    with tempfile.TemporaryDirectory() as top:
        top = os.path.realpath(top)
        preload = os.path.join(top, "write-log.so")
        subprocess.run([*compiler.split(), "-shared", "-fPIC", "-o", preload,
                        os.path.join(TOP, "tests/ctl/write-log.c"), "-ldl"],
                       check=True)
        folder = os.path.join(top, "disks")
        os.mkdir(folder)
        bench = Bench(folder, preload)
        for old, version in (((), "1.2"), (("1.2",), "1.0"),
                             (("1.2",), "1.1"), (("1.2",), "1.2"),
                             (("1.0", "1.1", "1.2"), "1.0")):
            check_create(bench, old, ["-e", version], ["a", "b"])
        check_create(bench, ("1.1",), ["--bitmap", "none"], ["a", "b", "c"])
        check_create(bench, ("1.2",), ["-l", "10", "--bitmap-chunk", "4K"],
                     ["a", "b", "c", "d"])
        for old in ("1.2",), ("1.0", "1.2"):
            check_erase(bench, old, ["a", "b"])
            check_restore(bench, old, ["a", "b"])
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
