#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Without standard input, output or error, in all combinations, no command
writes its text to a disk, and output that is lost is told by the exit status.
So it is for a server."""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time

import tool
from tool import TOOL, expect, run

SIZE = 2 << 20
DATA = 1 << 20  # of a 1.0 member: before the superblock, the bitmap and so on

# Words, and whether they write to disks when all is well.
COMMANDS = (
    (["create", "--yes", "--force", "-e", "1.0", "-z", "1M", "a", "b"], True),
    (["create", "--yes", "-e", "1.0", "a", "b"], False),     # looks used
    (["create", "--force", "-e", "1.0", "a", "b"], False),   # no --yes
    (["create", "--dry-run", "--force", "-e", "1.0", "a", "b"], False),
    (["create", "--yes", "a"], False),
    (["examine", "a", "b"], False),
    (["examine", "--compare", "a", "b"], False),
    (["examine", "--mdadm", "a", "no-such-disk"], False),
    (["examine", "--raw", "a"], False),
    (["--json", "examine", "a", "b"], False),
    (["assemble", "--dry-run", "a", "b"], False),
    (["--json", "assemble", "--dry-run", "a"], False),
    (["assemble", "a", "b"], False),
    (["erase", "--yes", "a", "b"], True),
    (["--json", "erase", "--yes", "a", "b"], True),
    (["erase", "--dry-run", "a", "b"], False),
    (["erase", "a"], False),
    (["restore-metadata", "--yes", "--force", "old.mdrestore", "c"], True),
    (["restore-metadata", "--dry-run", "--force", "old.mdrestore", "c"],
     False),
    (["restore-metadata", "--yes", "old.mdrestore", "a"], False),
    (["restore-metadata", "--yes", "a", "c"], False),
    (["--help"], False), (["create", "--help"], False),
    (["--version"], False), ([], False), (["dance"], False),
)


def closed(numbers):
    return " ".join(f"{number}>&-" for number in numbers)


def start(folder, words, redirections):
    """(status, output, errors) of a program behind a shell's redirections."""
    done = subprocess.run(["bash", "-c", f'exec "$@" {redirections}', "-",
                           *words], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "LC_ALL": "C"})
    return done.returncode, done.stdout, done.stderr


def contents(folder):
    seen = {}
    for name in "abc":
        with open(os.path.join(folder, name), "rb") as image:
            seen[name] = image.read()
    return seen


class Bench:
    """Two members a and b, and c, which was a member."""

    def __init__(self, top):
        self.template = os.path.join(top, "template")
        self.folder = os.path.join(top, "work")
        os.mkdir(self.template)
        for name in "abc":
            with open(os.path.join(self.template, name), "wb") as image:
                image.write(bytes(range(1, 251)) * (DATA // 250))
                image.truncate(SIZE)
        for names in ("a", "b"), ("c", "missing"):
            run(self.template, "create", "--yes", "--assume-clean", "--force",
                "-e", "1.0", "-z", "1M", *names)
        run(self.template, "erase", "--yes", "c")
        saved, = [name for name in os.listdir(self.template)
                  if name.endswith(".mdrestore")]
        os.rename(os.path.join(self.template, saved),
                  os.path.join(self.template, "old.mdrestore"))
        self.before = contents(self.template)

    def fresh(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)

    def untouched(self, what, whole):
        now = contents(self.folder)
        for name, old in self.before.items():
            end = SIZE if whole else DATA
            expect(f"{what}: {name}", now[name][:end] == old[:end], True)

    def check(self, words, writes):
        self.fresh()
        usual = start(self.folder, [TOOL, *words], "")
        if not writes:
            self.untouched(" ".join(words), True)
        for count in 1, 2, 3:
            for numbers in itertools.combinations(range(3), count):
                what = f"{' '.join(words)} {closed(numbers)}"
                self.fresh()
                seen = start(self.folder, [TOOL, *words], closed(numbers))
                lost = 1 in numbers
                expect(what + ": status", seen[0], 1 if lost else usual[0])
                self.untouched(what, lost or not writes)
                if not lost and not writes:
                    expect(what + ": output", seen[1], usual[1])
                if lost and 2 not in numbers:
                    expect(what + ": told", seen[2].splitlines(),
                           [b"nbdmirror: standard output: closed: nothing was "
                            b"done; send what is not wanted to /dev/null"])

    def check_full(self, words, writes):
        """Nothing is written when its plan could not be printed."""
        self.fresh()
        usual = start(self.folder, [TOOL, *words], "")
        self.fresh()
        seen = start(self.folder, [TOOL, *words], ">/dev/full")
        what = " ".join(words) + " >/dev/full"
        told = b"nbdmirror: standard output: write-failed" in seen[2]
        expect(what + ": told", told, usual[1] != b"")
        expect(what + ": status", seen[0], 1 if told else usual[0])
        self.untouched(what, not writes or "--json" not in words)


def check_server(bench):
    """Neither in the foreground nor in the background."""
    plugin = os.path.abspath(os.environ.get("MIRROR_SO") or "mirror.so")
    if shutil.which("nbdkit") is None:
        return
    for options in ["-f"], []:
        for numbers in (0,), (1,), (2,), (1, 2), (0, 1, 2):
            bench.fresh()
            words = ["timeout", os.environ.get("MIRROR_HANG_LIMIT", "600"),
                     "nbdkit", *options, "-U",
                     os.path.join(bench.folder, "once"), plugin, "a", "b",
                     "--run", "true"]
            seen = start(bench.folder, words, closed(numbers))
            what = f"nbdkit {' '.join(options)} {closed(numbers)}"
            expect(what + ": status", seen[0] in (0, 1), True)
            bench.untouched(what, True)


def check_connection(bench):
    """A connection to a disk is no standard output either."""
    if shutil.which("nbdkit") is None:
        return
    bench.fresh()
    socket = os.path.join(bench.folder, "s")
    with subprocess.Popen(["nbdkit", "-f", "-U", socket, "file", "a"],
                          cwd=bench.folder) as server:
        while not os.path.exists(socket) and server.poll() is None:
            time.sleep(0.01)
        uri = f"nbd+unix:///?socket={socket}"
        for numbers in (0,), (2,), (0, 2), (1,), (0, 1, 2):
            seen = start(bench.folder, [TOOL, "examine", uri],
                         closed(numbers))
            expect(f"connection {closed(numbers)}", seen[0],
                   1 if 1 in numbers else 0)
        server.terminate()
    bench.untouched("connection", True)


def main():
    with tempfile.TemporaryDirectory() as top:
        bench = Bench(top)
        for words, writes in COMMANDS:
            bench.check(words, writes)
            bench.check_full(words, writes)
        check_server(bench)
        check_connection(bench)
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
