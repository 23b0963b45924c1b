#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A restore file goes back to the disk that it is from, and to no other: not
to another copy of the same data, not where something was written since, and
not if it is damaged.  What is refused changes nothing."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

import tool
from tool import PLACE, TOOL, disk, edit, expect, run_json

SIZE = 8 << 20
DATA = 1 << 20


class Bench:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *words):
        done = subprocess.run([TOOL, *words], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stdout + done.stderr

    def fresh(self, *options, names=("a", "b", "c", "d"), write=None):
        """An array; @write: what lies in the data of each disk."""
        for entry in os.listdir(self.folder):
            os.unlink(self.path(entry))
        for name in names:
            disk(self.folder, name, SIZE)
        status = self.run("create", "--yes", *options, *names)
        expect("create", status[0], 0)
        for i, name in enumerate(names):
            with open(self.path(name), "r+b") as image:
                image.seek(DATA)
                image.write((write(i) if write else b"same") * 1024)

    def erase(self, *names):
        """The restore file of each."""
        expect("erase", self.run("erase", "--yes", *names)[0], 0)
        saved = {}
        for name in names:
            file, = [entry for entry in os.listdir(self.folder)
                     if entry.startswith(name + "-")]
            saved[name] = name + ".saved"
            os.rename(self.path(file), self.path(saved[name]))
        return saved

    def bytes_of(self, name):
        with open(self.path(name), "rb") as image:
            return image.read()

    def refused(self, what, pattern, file, name, *options):
        before = self.bytes_of(name)
        status, text = self.run("restore-metadata", "--yes", *options, file,
                                name)
        expect(what + ": status", status, 1)
        expect(what + ": lines", len(text.splitlines()), 1)
        if not re.search(pattern, text):
            expect(what, text, pattern)
        expect(what + ": unchanged", self.bytes_of(name) == before, True)

    def restored(self, what, file, name, *options):
        status, text = self.run("restore-metadata", "--yes", *options, file,
                                name)
        expect(f"{what}: {text}", status, 0)
        return text


def member(bench, name):
    return run_json(bench.folder, "examine", name)["members"][0]


def check_other_disks(bench, options, write):
    """Each file onto each erased disk: only its own takes it."""
    bench.fresh(*options, write=write)
    before = {name: (bench.bytes_of(name), member(bench, name))
              for name in "abcd"}
    saved = bench.erase(*"abcd")
    for file in "abcd":
        for name in "abcd":
            if name != file:
                bench.refused(f"{options} {file} onto {name}",
                              "another-disk.*active %d of array mirror.*"
                              "device uuid %s" % ("abcd".index(file),
                                                  before[file][1]
                                                  ["device_uuid"]),
                              saved[file], name)
    text = bench.restored("dry run", saved["b"], "b", "--dry-run")
    expect("whose", before["b"][1]["device_uuid"] in text, True)
    expect("a dry run", bench.bytes_of("b")[PLACE:PLACE + 4096], bytes(4096))
    text = bench.restored("by force", saved["b"], "c", "--force")
    expect("by force: whose", before["b"][1]["device_uuid"] in text
           and "BY FORCE" in text, True)
    expect("it is b", member(bench, "c")["device_uuid"],
           before["b"][1]["device_uuid"])
    bench.run("erase", "--yes", "--no-backup", "c")
    for name in "abcd":
        bench.restored("its own", saved[name], name)
        expect("as before", bench.bytes_of(name) == before[name][0], True)


def check_same_disk(bench):
    """By another name, or another way, it is the same disk."""
    bench.fresh(names=("a", "b"))
    saved = bench.erase("a", "b")
    bench.refused("size", "size-differs", saved["a"],
                  os.path.basename(disk(bench.folder, "e", SIZE * 2)))
    os.rename(bench.path("a"), bench.path("renamed"))
    bench.restored("renamed", saved["a"], "renamed")
    # Its name, and all that was on it.
    shutil.copy(bench.path("b"), bench.path("copy"))
    os.rename(bench.path("copy"), bench.path("b"))
    bench.restored("copied back", saved["b"], "./b")


def check_written_since(bench):
    bench.fresh(names=("a", "b"))
    saved = bench.erase("a", "b")
    with open(bench.path("a"), "r+b") as image:
        image.seek(SIZE // 64 * 40 // 4096 * 4096 + 5)
        image.write(b"x")
    bench.refused("data", "another-disk.*since: it differs at byte "
                  f"{SIZE // 64 * 40}", saved["a"], "a")
    bench.run("create", "--yes", "--force", "-N", "new", "b", "missing")
    bench.refused("a new member", "looks-used.*active 0 of array new",
                  saved["b"], "b")
    # A superblock of another version is elsewhere, and counts all the same.
    bench.erase("b")
    bench.run("create", "--yes", "--force", "-e", "1.0", "-N", "end", "b",
              "missing")
    bench.refused("another version", "looks-used.*of array end", saved["b"],
                  "b")


def check_newer(bench):
    """The array went on since."""
    bench.fresh("--assume-clean", names=("a", "b"))
    with open(bench.path("a"), "rb") as image:
        old = image.read()
    saved = bench.erase("a")
    with open(bench.path("a"), "wb") as image:
        image.write(old)
    edit(bench.path("a"), "<Q", 200, 99)
    bench.refused("newer", "looks-used.*events 99: newer than", saved["a"],
                  "a")


def check_left_behind(bench):
    """Equal in all its data, but its bitmap is older."""
    bench.fresh("--assume-clean", names=("a", "b"))
    with open(bench.path("b"), "r+b") as image:
        image.seek(PLACE + member(bench, "b")["bitmap"]["offset_sectors"]
                   * 512 + 24)
        image.write(b"\7")  # events
    saved = bench.erase("a", "b")
    bench.refused("left behind", "another-disk.*differs at byte",
                  saved["a"], "b")


def check_in_use(bench):
    bench.fresh(names=("a", "b"))
    saved = bench.erase("a", "b")
    program = ("import fcntl, struct, sys; f = open(sys.argv[1], 'r+b');"
               "fcntl.fcntl(f, 37, struct.pack('hhqqi4x', 1, 0, 0, 0, 0));"
               "print(1, flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", program, bench.path("a")],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE
                          ) as holder:
        holder.stdout.readline()
        for options in [], ["--force"]:
            bench.refused("in use", "unusable.*in use", saved["a"], "a",
                          *options)
        holder.stdin.close()
    bench.restored("in use no more", saved["a"], "a")


def with_end(text):
    """A file that somebody wrote on purpose: sums and all."""
    body = text[:text.index(b"\n[end]\n")]
    return (body + b"\n[end]\nsha256="
            + hashlib.sha256(body).hexdigest().encode() + b"\n")


def area(offset, data):
    return (b"offset=%d\nsha256=%s\ndata=%s\n"
            % (offset, hashlib.sha256(data).hexdigest().encode(),
               base64.b64encode(data)))


def check_bad_files(bench):
    bench.fresh(names=("a", "b"))
    saved = bench.erase("a")
    with open(bench.path(saved["a"]), "rb") as file:
        good = file.read()
    block = base64.b64decode(re.search(rb"\ndata=(.*)\n", good)[1])
    old_area = re.search(rb"offset=.*\nsha256=.*\ndata=.*\n", good)[0]
    bad = {f"cut to {length}": good[:length]
           for length in range(0, len(good) - 2, 397)}
    bad.update((f"byte {at}", good[:at] + bytes([good[at] ^ 1])
                + good[at + 1:]) for at in range(50, len(good) - 2, 211))
    bad["elsewhere"] = with_end(good.replace(old_area, area(DATA, block)))
    bad["no superblock"] = with_end(
        good.replace(old_area, area(PLACE, b"text" * 1024)))
    bad["beyond the end"] = with_end(
        good.replace(old_area, area(SIZE - 4, block)))
    bad["an offset"] = with_end(good.replace(
        old_area, old_area.replace(b"offset=4096", b"offset=-4096")))
    bad["many areas"] = with_end(good.replace(b"areas=1", b"areas=99999"))
    bad["newer format"] = with_end(good.replace(b"format=2", b"format=3"))
    bad["samples beyond the end"] = with_end(
        good.replace(b"[sample]\n", b"[sample]\n%d=%s\n" % (SIZE, b"0" * 64)))
    bad["many samples"] = with_end(good.replace(
        b"[sample]\n", b"[sample]\n" + b"".join(
            b"%d=%s\n" % (i, b"0" * 64) for i in range(200))))
    bad["zeroes"] = bytes(10000)
    bad["no text"] = b"\xff\0" * 5000
    for what, text in bad.items():
        with open(bench.path("bad"), "wb") as file:
            file.write(text)
        for options in [], ["--force"]:
            bench.refused(what, "damaged", "bad", "a", *options)
    os.unlink(bench.path("bad"))
    with open(bench.path("bad"), "wb") as file:
        file.truncate(1 << 40)
    bench.refused("endless", "damaged", "bad", "a")
    os.unlink(bench.path("bad"))
    os.mkfifo(bench.path("bad"))
    bench.refused("a FIFO", "damaged", "bad", "a")
    bench.refused("a device", "damaged", "/dev/zero", "a")
    # Old files say nothing of their disk.
    with open(bench.path("old"), "wb") as file:
        file.write(b"[disk]\nsize=%d\nareas=1\n\n[area 0]\n" % SIZE + old_area)
    bench.refused("format 1", "another-disk.*old version.*active 0", "old",
                  "a")
    bench.restored("format 1", "old", "a", "--force")
    bench.refused("there already", "looks-used", saved["a"], "a")


def check_json(bench):
    bench.fresh(names=("a", "b"))
    seen = run_json(bench.folder, "erase", "--yes", "a")
    file = seen["disks"][0]["restore_file"]
    for options, done in (["--dry-run"], False), (["--yes"], True):
        seen = run_json(bench.folder, "restore-metadata", *options, file, "a")
        expect("json", (seen["restored"], seen["disk"], seen["role"],
                        seen["doubt"]), (done, "a", "active 0", None))


def main():
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        check_other_disks(bench, ["-l", "10"], lambda i: b"%d" % i)
        check_other_disks(bench, ["-b", "none"], None)
        for check in (check_same_disk, check_written_since, check_newer,
                      check_left_behind, check_in_use, check_json,
                      check_bad_files):
            check(bench)
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
