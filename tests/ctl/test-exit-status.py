#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The exit statuses that nbdmirror promises, each at least once."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import tool
from tool import PLACE, disk, edit, expect, run, run_json

SIZE = 8 << 20


def sector(path, offset):
    with open(path, "rb") as image:
        image.seek(offset)
        return image.read(4096)


class Checks:
    def __init__(self, folder):
        self.folder = folder
        self.disks = [os.path.join(folder, f"d{i}") for i in range(2)]

    def status(self, wanted, *arguments):
        seen = run(self.folder, *arguments, quiet=True)[0]
        expect(" ".join(arguments), seen, wanted)

    def last_line(self, status, wanted, *words):
        """The status, and the line that says the same in words."""
        words = ["assemble", "--dry-run", *words]
        seen, text = run(self.folder, *words, quiet=True)
        lines = [line for line in text.splitlines() if line.startswith("=>")]
        expect(" ".join(words), (seen, lines),
               (status, ["=> " + wanted.replace("DISK", self.disks[1])]))
        expect("the status in JSON", run_json(self.folder, *words)["status"],
               status)

    def fresh(self, *options):
        for path in self.disks:
            disk(self.folder, os.path.basename(path), SIZE)
        self.status(0, "create", "--yes", *options, *self.disks)

    def usage(self):
        for words in ([], ["dance"], ["--dance"], ["create"],
                      ["create", "d0"], ["create", "--level", "5", "a", "b"],
                      ["create", "--chunk", "64K", "a", "b"],
                      ["create", "--chunk", "64X", "--level=10", "a", "b"],
                      ["create", "--level=10", "--layout", "n3", "a", "b"],
                      ["create", "--bitmap", "maybe", "a", "b"],
                      ["create", "--bitmap-chunk", "5000", "a", "b"],
                      ["create", "--metadata", "0.90", "a", "b"],
                      ["create", "--name", "n" * 32, "a", "b"],
                      ["examine"], ["examine", "--mdadm", "--json", "d0"],
                      ["erase"], ["assemble", "d0"],
                      ["assemble", "--dry-run"],
                      ["assemble", "--dry-run", "--degraded=maybe", "d0"],
                      ["assemble", "--dry-run", "--degraded=wait:", "d0"],
                      ["examine", "--raw", "--json", "d0"],
                      ["examine", "--raw", "--compare", "d0"],
                      ["assemble", "--dry-run", "--on-split-brain=leg:1",
                       "d0"],
                      ["restore-metadata", "a"]):
            self.status(2, *words)

    def unreachable(self):
        self.fresh()
        for words in (["create", "--yes"], ["examine"], ["erase", "--yes"],
                      ["assemble", "--dry-run"]):
            more = ["missing"] if words[0] == "create" else []
            self.status(3, *words, "no-such-disk", *more)
            self.status(3, *words, "nbd+unix:///?socket=/no/such/socket",
                        *more)
            # Not missing, but wrong: no name of a disk.
            for name in ("nbd:localhost:10809", "nbd:unix:/s", "file:/d",
                         "nbd:///localhost",
                         "nbds://h/?tls-psk-file=no-such-file"):
                self.status(3 if words[0] == "assemble" else 1, *words, name,
                            *more)

    def refused(self):
        self.fresh()
        before = [sector(path, PLACE) for path in self.disks]
        self.status(1, "create", "--yes", *self.disks)
        self.status(1, "create", "--force", *self.disks)  # no --yes
        self.status(1, "erase", *self.disks)
        expect("nothing was written",
               [sector(path, PLACE) for path in self.disks], before)
        empty = disk(self.folder, "empty", SIZE)
        self.status(1, "examine", empty)
        self.status(1, "assemble", "--dry-run", self.disks[0], empty)
        self.status(0, "assemble", "--dry-run", empty,
                    disk(self.folder, "empty2", SIZE))  # a plain array
        self.status(1, "create", "--yes", empty, empty)
        self.status(1, "create", "--yes", "missing", "missing")
        self.status(1, "create", "--yes", empty, self.folder)
        other = disk(self.folder, "other", SIZE)
        self.status(0, "create", "--yes", other, "missing")
        self.status(1, "assemble", "--dry-run", self.disks[0], other)
        self.status(0, "create", "--dry-run", empty, "missing")
        expect("a dry run", sector(empty, PLACE), bytes(4096))

    def signatures(self):
        """What looks used is refused; 55 aa alone is no partition table."""
        path = disk(self.folder, "used", SIZE)
        tools = [["mke2fs", "-q", "-F", path], ["mkswap", path]]
        for words in tools:
            program = shutil.which(words[0], path=os.environ["PATH"]
                                   + ":/sbin:/usr/sbin")
            if program is None:
                continue
            disk(self.folder, "used", SIZE)
            subprocess.run([program, *words[1:]], check=True,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            self.status(1, "create", "--yes", path, "missing")
            self.status(0, "create", "--yes", "--force", path, "missing")
        disk(self.folder, "used", SIZE)
        with open(path, "r+b") as image:  # a partition from sector 2048 on
            image.seek(446)
            image.write(struct.pack("<8BII", 0, 0, 2, 0, 0x83, 0, 0, 0, 2048,
                                    8192) + bytes(48) + b"\x55\xaa")
        self.status(1, "create", "--yes", path, "missing")

    def states(self):
        assemble = ["assemble", "--dry-run", *self.disks]
        self.fresh("--assume-clean")
        self.status(0, *assemble)
        self.status(4, "assemble", "--dry-run", self.disks[0])
        self.status(4, "assemble", "--dry-run", self.disks[0], "gone")
        self.status(4, "assemble", "--dry-run", "--degraded=wait:7",
                    self.disks[0])
        self.status(6, "assemble", "--dry-run", "--degraded=no",
                    self.disks[0])
        # There, but no disk: that is not missing.
        self.status(1, "assemble", "--dry-run", self.disks[0], self.folder)
        # No superblock, no history: nothing to keep.
        self.status(4, "assemble", "--dry-run", "--on-split-brain=leg:0",
                    "gone", self.disks[0])
        self.fresh()
        self.status(5, *assemble)  # the first sync
        self.fresh("--assume-clean")
        edit(self.disks[1], "<I", 8, 3)  # being rebuilt
        self.status(5, *assemble)
        self.status(6, *assemble, "--degraded=no")
        self.status(6, "assemble", "--dry-run", self.disks[1])
        edit(self.disks[0], "<Q", 80, 0, fix=False)
        self.status(6, *assemble)
        self.status(8, "examine", *self.disks)

    def last_lines(self):
        """What a start would bring is said as the status says it."""
        first, second = self.disks
        self.fresh("--assume-clean")
        self.last_line(0, "would start", first, second)
        self.last_line(4, "would start degraded", first)
        self.last_line(6, "would not start: degraded=no", first,
                       "--degraded=no")
        self.fresh()
        together = "copies are made equal in the background"
        self.last_line(5, f"would start; {together}", first, second)
        # Nobody to be brought together with.
        self.last_line(4, "would start degraded", first)
        self.fresh("--assume-clean")
        edit(second, "<I", 8, 3)
        rebuilt = "would start degraded; DISK is rebuilt"
        self.last_line(5, rebuilt, first, second)
        self.mark_bad_blocks(first)
        self.last_line(8, f"{rebuilt}; {first} has bad blocks on record",
                       first, second)
        self.fresh("--assume-clean")
        self.mark_bad_blocks(second)
        bad = "DISK has bad blocks on record"
        self.last_line(8, f"would start; {bad}", first, second)
        self.last_line(8, f"would start degraded; {bad}", second)
        disks = self.disks + [os.path.join(self.folder, f"d{i}")
                              for i in (2, 3)]
        for path in disks:
            disk(self.folder, os.path.basename(path), SIZE)
        self.status(0, "create", "--yes", "--level=10", *disks)
        for path in disks[1], disks[2]:
            edit(path, "<I", 8, 3)
        self.last_line(5, f"would start degraded; DISK, {disks[2]} are "
                       f"rebuilt; {together}", *disks)
        self.last_line(4, f"would start degraded; {together}", *disks[:1],
                       *disks[3:])
        for path in disks[0], disks[3]:
            edit(path, "<Q", 200, 1 << 62)
        self.last_line(1, "would start degraded, only for reading (nbdkit "
                       "-r): array: events 4611686018427387904: too close to "
                       "their end to be counted on; copies may differ, and "
                       "stay so", disks[0], disks[3])

    def mark_bad_blocks(self, path):
        with open(path, "r+b") as image:
            image.seek(PLACE + 16 * 512)
            image.write(struct.pack("<QQ", 3000 << 10 | 5, (1 << 64) - 1))
        edit(path, "<I", 8, 9)

    def bad_blocks(self):
        self.fresh("--assume-clean")
        self.mark_bad_blocks(self.disks[0])
        self.status(8, "assemble", "--dry-run", *self.disks)
        self.status(0, "examine", "--badblocks", self.disks[0])
        seen = run_json(self.folder, "examine", self.disks[0])
        expect("bad blocks", seen["members"][0]["bad_blocks_sectors"],
               [[3000, 5]])

    def bad_bitmap(self):
        self.fresh("--assume-clean")
        with open(self.disks[1], "r+b") as image:
            image.seek(PLACE + 8 * 512 + 52)
            image.write(struct.pack("<I", 65537))
        self.status(1, "assemble", "--dry-run", *self.disks)
        seen = run_json(self.folder, "assemble", "--dry-run", *self.disks)
        expect("readable", seen["readable"], True)
        expect("reason", seen["reason"].startswith("bitmap chunksize 65537"),
               True)
        self.status(8, "examine", self.disks[1])

    def split(self):
        self.fresh("--assume-clean")
        for i, path in enumerate(self.disks):
            edit(path, "<H", 256 + 2 * (1 - i), 0xffff)
            edit(path, "<Q", 200, 4 + i)
        self.status(7, "assemble", "--dry-run", *self.disks)
        for i in range(2):
            words = ["assemble", "--dry-run", f"--on-split-brain=leg:{i}",
                     *self.disks]
            self.status(5, *words)
            seen = run_json(self.folder, *words)
            expect("the other one", seen["members"][1 - i]["state"], "split")
            expect("all of it", seen["members"][1 - i]["rebuild"], "full")

    def erase_and_restore(self):
        self.fresh()
        before = [sector(path, PLACE) for path in self.disks]
        self.status(0, "erase", "--yes", *self.disks)
        for path in self.disks:
            expect("erased", sector(path, PLACE), bytes(4096))
        self.status(0, "erase", "--yes", *self.disks)
        self.status(10, "erase", "--yes", "--error-if-unchanged",
                    *self.disks)
        for path, old in zip(self.disks, before):
            saved = [name for name in os.listdir(self.folder)
                     if name.startswith(os.path.basename(path) + "-")]
            expect("restore files", len(saved), 1)
            self.status(1, "restore-metadata", saved[0], path)  # no --yes
            self.status(0, "restore-metadata", "--yes", saved[0], path)
            expect("restored", sector(path, PLACE), old)
            # Once more is refused: there is something.
            self.status(1, "restore-metadata", "--yes", saved[0], path)
            with open(os.path.join(self.folder, saved[0]), "r+b") as file:
                text = file.read()
                middle = text.index(b"data=") + 100
                file.seek(middle)
                file.write(b"A" if text[middle:middle + 1] != b"A" else b"B")
            self.status(1, "restore-metadata", "--yes", "--force", saved[0],
                        path)
        self.status(5, "assemble", "--dry-run", *self.disks)
        self.status(0, "erase", "--yes", "--no-backup", self.disks[0])

    def in_use(self):
        """Who has locked it keeps us from writing, not from looking."""
        self.fresh()
        program = ("import fcntl, struct, sys; f = open(sys.argv[1], 'r+b');"
                   "fcntl.fcntl(f, 37, struct.pack('hhqqi4x', 1, 0, 0, 0, 0));"
                   "print(1, flush=True); sys.stdin.read()")
        with subprocess.Popen([sys.executable, "-c", program, self.disks[0]],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE
                              ) as holder:
            holder.stdout.readline()
            self.status(1, "erase", "--yes", self.disks[0])
            self.status(1, "create", "--yes", "--force", *self.disks)
            self.status(0, "examine", self.disks[0])
            holder.stdin.close()

    def nbd(self):
        """The same over NBD."""
        if shutil.which("nbdkit") is None:
            return
        for path in self.disks:
            disk(self.folder, os.path.basename(path), SIZE)
        socket = os.path.join(self.folder, "s")
        uri = f"nbd+unix:///?socket={socket}"
        with subprocess.Popen(["nbdkit", "-f", "-U", socket,
                               "--filter=blocksize-policy", "file",
                               self.disks[0], "blocksize-minimum=4096",
                               "blocksize-error-policy=error"]) as server:
            while not os.path.exists(socket):
                if server.poll() is not None:
                    return
                time.sleep(0.01)
            self.status(0, "create", "--yes", uri, self.disks[1])
            self.status(0, "examine", uri)
            self.status(5, "assemble", "--dry-run", uri, self.disks[1])
            self.status(1, "create", "--yes", uri, self.disks[1])
            server.terminate()
        self.status(5, "assemble", "--dry-run", *self.disks)


def main():
    with tempfile.TemporaryDirectory() as folder:
        checks = Checks(folder)
        for part in (checks.usage, checks.unreachable, checks.refused,
                     checks.signatures, checks.states, checks.last_lines,
                     checks.bad_blocks, checks.bad_bitmap,
                     checks.split, checks.erase_and_restore, checks.in_use,
                     checks.nbd):
            part()
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
