#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The order in which adopt writes: undo files are on stable storage before any
disk is touched, files are longer before metadata come, superblocks come last
and the source's first.  At every step where something fails it is undone; at
every step where it is killed the undo file makes of each disk what it was."""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

import tool
from tool import TOOL, TOP, expect, run, run_json

KIB = 1 << 10
SIZES = {"a": 300 * KIB + 512, "b": 300 * KIB + 512, "c": 64 * KIB,
         "d": 900 * KIB}
FULL = ("a", "b")


class Bench:
    def __init__(self, folder, preload):
        self.folder = folder
        self.preload = preload
        self.notes = os.path.join(os.path.dirname(preload), "notes")
        data = random.Random(3).randbytes(SIZES["a"])
        self.before = {name: data if name in FULL else bytes(SIZES[name])
                       for name in SIZES}

    def path(self, name):
        return os.path.join(self.folder, name)

    def fresh(self):
        shutil.rmtree(self.folder)
        os.mkdir(self.folder)
        for name, data in self.before.items():
            with open(self.path(name), "wb") as file:
                file.write(data)
        if os.path.exists(self.notes):
            os.unlink(self.notes)

    def adopt(self, how, number):
        done = subprocess.run(
            [TOOL, "adopt", "--yes", *SIZES], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, "LD_PRELOAD": self.preload,
                 "WRITE_LOG": self.notes, "WRITE_LOG_FOLDER": self.folder,
                 how: str(number)})
        with open(self.notes, "a+") as file:
            file.seek(0)
            return done.returncode, done.stderr, file.read().splitlines()

    def undo_files(self):
        return {entry.split("-")[0]: entry
                for entry in os.listdir(self.folder) if "mdrestore" in entry}

    def differing(self):
        """The disks that are not what they were."""
        seen = []
        for name, data in self.before.items():
            with open(self.path(name), "rb") as file:
                if file.read() != data:
                    seen.append(name)
        return seen

    def restore(self, what):
        """From wherever it is."""
        files = self.undo_files()
        for name in self.differing():
            status, _ = run(self.folder, "restore-metadata", "--yes",
                            files[name], name)
            expect(f"{what}: undo {name}", status, 0)
        expect(what + ": all is as it was", self.differing(), [])


def check_order(bench):
    bench.fresh()
    status, text, notes = bench.adopt("NOTHING", 0)
    expect(text, status, 0)
    supers = {}
    for one in run_json(bench.folder, "examine", *SIZES)["members"]:
        supers[one["disk"]] = one["super_offset_sectors"] * 512
    steps = []
    pending = set()
    for line in notes:
        kind, *numbers, path = re.fullmatch(
            r"(\w+) (?:(\d+) )?(?:(\d+) )?(.*)", line).groups()
        name = path[len(bench.folder) + 1:]
        if kind == "sync":
            pending.discard(name)
            continue
        step = ("undo" if "mdrestore" in name
                else "resize" if kind == "resize"
                else "super" if int(numbers[0]) == supers[name]
                else "bitmap")
        if not steps or steps[-1] != (step, name):
            steps.append((step, name))
        # What comes before is durable when the next kind begins.
        if len(steps) > 1 and steps[-2][0] != step:
            expect(f"{line}: still to be synced", pending, set())
        pending.add(name)
        if step == "bitmap":
            expect(f"{line}: in the data", int(numbers[0]) >= SIZES["a"],
                   True)
    expect("durable in the end", pending, set())
    undo = [bench.undo_files()[name] for name in SIZES]
    expect("the order", steps,
           [("undo", name) for name in undo]
           + [("resize", name) for name in "abc"]
           + [("bitmap", name) for name in "abcd"]
           + [("super", name) for name in "abcd"])
    bench.restore("at the end")
    return len(notes)


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
        steps = check_order(bench)
        for number in range(1, steps + 1):
            bench.fresh()
            status, text, notes = bench.adopt("WRITE_LOG_FAIL", number)
            what = f"failure {number}, {notes[number - 1]}"
            expect(f"{what}: {text}", status, 1)
            # Of d, which keeps its size, it is told how to.
            expect(what + ": undone", set(bench.differing()) <= {"d"}, True)
            if "d" in bench.differing():
                expect(what + ": told", bench.undo_files()["d"] in text,
                       True)
            bench.restore(what)
            bench.fresh()
            expect(f"killed at {number}",
                   bench.adopt("WRITE_LOG_KILL", number)[0], -9)
            bench.restore(f"killed at {number}")
    print(f"{steps} steps, {tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
