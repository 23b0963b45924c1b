#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Names that nobody would give: whatever is in file names, in array names on
disks and in what servers say, every command prints text of the usual lines,
that no terminal obeys, and valid JSON that has the names as they are.  So does
the server's log."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import tool
from tool import PLACE, TOOL, checksum, expect

SIZE = 8 << 20

# A newline, an escape sequence, no UTF-8, a C1 control, the other direction of
# writing, a line separator; 32 bytes of them without an end.
NAMES = [b"x\ny", b"\x1b[31mred", b"bad\xff\x80", "c1\u009b2J".encode(),
         "\u202eback".encode(), "a\u2028b".encode(), b"tab\tcr\rdel\x7f\x1f",
         b"q'\"uo\\te $(x)", "ü€".encode(), b"\xc3", b"\xff" * 32]


def start(folder, words, locale="C"):
    return subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "LC_ALL": locale, "TZ": "UTC"})


def is_shown(character):
    return character == "\n" or not (
        character < " " or "\x7f" <= character <= "\x9f"
        or "\u2028" <= character <= "\u202e"
        or "\u2066" <= character <= "\u2069")


def expect_shown(what, output):
    try:
        text = output.decode("utf-8")
    except UnicodeDecodeError as error:
        expect(what, str(error), "UTF-8")
        return
    expect(what, [c for c in text if not is_shown(c)], [])


def count_lines(words, output):
    """Without those on which a long cell of a table goes on."""
    return len([line for line in output.splitlines() if not (
        b"--compare" in words and line.startswith(b" "))])


def refuse_constant(name):
    raise ValueError(name)


def parse(what, output):
    """Strict JSON."""
    try:
        return json.loads(output.decode("utf-8"),
                          parse_constant=refuse_constant)
    except ValueError as error:
        expect(what, f"{error}: {output[:200]}", "JSON")
        return {}


def names_in(seen):
    """What is said of disks and array names, in JSON."""
    if isinstance(seen, list):
        return [found for part in seen for found in names_in(part)]
    if not isinstance(seen, dict):
        return []
    return [found for key, value in seen.items() for found in
            ([value] if key in ("disk", "name") and isinstance(value, str)
             else names_in(value))]


def plain(name):
    """As JSON has it."""
    return name.decode("utf-8", "backslashreplace")


class Bench:
    """Two members a and b of one name, in files that are named after it."""

    def __init__(self, folder, name, array_name):
        self.folder = folder
        self.name = name.replace(b"/", b"_")
        self.array_name = array_name
        self.a, self.b = b"a" + self.name, b"b" + self.name
        for entry in os.listdir(os.fsencode(folder)):
            os.unlink(os.path.join(os.fsencode(folder), entry))
        self.disk(b"a")
        self.disk(b"b")
        done = start(folder, [TOOL, "create", "--yes", "a", "b"])
        expect("create", done.returncode, 0)
        for old, new in (b"a", self.a), (b"b", self.b):
            self.rename(old, new)
        self.disk(b"unused" + self.name)
        with open(self.path(b"text" + self.name), "wb") as file:
            file.write(b"[disk]\nsize=" + self.name)

    def path(self, name):
        return os.path.join(os.fsencode(self.folder), name)

    def disk(self, name):
        with open(self.path(name), "wb") as image:
            image.truncate(SIZE)

    def rename(self, old, new):
        with open(self.path(old), "r+b") as image:
            image.seek(PLACE)
            block = bytearray(image.read(4096))
            struct.pack_into("<32s", block, 32, self.array_name)
            checksum(block)
            image.seek(PLACE)
            image.write(block)
        os.rename(self.path(old), self.path(new))

    def commands(self):
        a, b, n = self.a, self.b, self.name
        unused, missing = b"unused" + n, b"missing" + n
        uri = b"nbd+unix:///%0A%1B?socket=" + n.replace(b"%", b"")
        yield from ([b"examine", *form, a, b, unused, missing, uri] for form in
                    ([], [b"--bitmap"], [b"--badblocks"], [b"--compare"],
                     [b"--mdadm"], [b"--mdadm", b"--bitmap"],
                     [b"--mdadm", b"--badblocks"], [b"--raw"]))
        yield [b"assemble", b"--dry-run", a, b]
        yield [b"assemble", b"--dry-run", a, missing]
        yield [b"assemble", b"--dry-run", a, unused]
        yield [b"assemble", b"--dry-run", a, a]
        yield [b"assemble", b"--dry-run", missing, uri]
        yield [b"assemble", b"--dry-run", b"--degraded=" + n, a]
        yield [b"assemble", b"--dry-run", b"--on-split-brain=" + n, a]
        yield [b"create", a, b]
        yield [b"create", b"--dry-run", b"--force", a, b]
        yield [b"create", b"--yes", unused, missing]
        yield [b"create", unused, unused]
        yield [b"create", b"--dry-run", b"-e", n, unused, b"missing"]
        yield [b"create", b"--dry-run", b"-z", b"1" + n, unused, b"missing"]
        yield [b"erase", b"--dry-run", a, unused, b]
        yield [b"erase", b"--yes", b"--backup-dir", missing, a]
        yield [b"erase", missing]
        yield [b"restore-metadata", missing, a]
        yield [b"restore-metadata", b"text" + n, a]
        yield [b"restore-metadata", b".", a]
        yield [b"dance" + n]
        yield [b"--dance" + n]
        yield [b"examine", b"--dance" + n, a]
        # These write: last, and together.
        yield [b"erase", b"--yes", a, b]
        yield [b"erase", b"--yes", b"--error-if-unchanged", a, b]

    def check(self, lines):
        """Each as text, then as JSON: @lines are those of harmless names."""
        found = []
        for words in self.commands():
            what = b" ".join(words)
            if b"--yes" not in words:
                self.check_json(what, words)
            done = start(self.folder, [TOOL, *words])
            expect_shown(what, done.stdout)
            expect_shown(what + b" errors", done.stderr)
            found.append((done.returncode, count_lines(words, done.stdout),
                          len(done.stderr.splitlines())))
            expect(what, [line for line in done.stderr.splitlines()
                          if not line.startswith(b"nbdmirror: ")], [])
        if lines is not None:
            for words, seen, wanted in zip(self.commands(), found, lines):
                expect(words, seen, wanted)
        self.check_restore()
        return found

    def check_json(self, what, words):
        done = start(self.folder, [TOOL, "--json", *words])
        if done.stdout == b"" and {b"--mdadm", b"--raw"} & set(words):
            return
        seen = parse(what, done.stdout)
        expect_shown(what + b" JSON", done.stdout)
        for name in names_in(seen):
            known = [plain(word) for word in words]
            known += [plain(self.array_name[:32]), "mirror"]
            expect(what + b" name", name in known or name, True)

    def check_restore(self):
        """The command that erase prints is one that a shell understands."""
        self.disk(b"c")
        start(self.folder, [TOOL, "create", "--yes", "c", "missing"])
        os.rename(self.path(b"c"), self.path(b"c" + self.name))
        done = start(self.folder, [TOOL, "erase", "--yes", b"c" + self.name])
        hint = done.stdout.splitlines()[-1].split(b"nbdmirror ", 1)[1]
        done = start(self.folder, ["bash", "-c",
                                   b'"$0" --yes ' + hint, TOOL])
        expect(b"hint: " + hint, done.returncode, 0)
        expect_shown("restore", done.stdout)
        expect_shown("restore errors", done.stderr)


def check_names(folder):
    """What create takes for a name does not depend on the locale."""
    for locale in "C", "C.UTF-8", "POSIX":
        for name, status in ((b"\xc3\xbc", 0), (b"plain", 0), (b"x\ny", 2),
                             (b"\x1b[m", 2), (b"\x7f", 2), (b"\xff", 2),
                             ("\u009b".encode(), 2), (b"h:\xe2\x82\xac", 0)):
            Bench(folder, b"", b"")
            for command in (["create", "-N", name], ["create", b"--name="
                                                     + name]):
                done = start(folder, [TOOL, *command, "--dry-run", "unused",
                                      "missing"], locale)
                expect(f"{locale} {name}", done.returncode, status)
                expect_shown("create", done.stdout + done.stderr)


def check_export(folder):
    """The name of an export, in what libnbd says."""
    if shutil.which("nbdkit") is None:
        return
    socket = os.path.join(folder, "s")
    with subprocess.Popen(["nbdkit", "-f", "-U", socket, "file", f"dir={folder}"
                           ], stderr=subprocess.DEVNULL) as server:
        while not os.path.exists(socket) and server.poll() is None:
            time.sleep(0.01)
        uri = f"nbd+unix:///no%0Asuch%1B%9b%FF?socket={socket}"
        for words in (["examine", uri], ["assemble", "--dry-run", uri],
                      ["create", uri, "missing"], ["erase", uri]):
            done = start(folder, [TOOL, *words])
            expect_shown(words, done.stdout + done.stderr)
            for line in done.stderr.splitlines():
                expect(words, line.startswith(b"nbdmirror: "), True)
            parse(words, start(folder, [TOOL, "--json", *words]).stdout)
        server.terminate()


def check_server(bench):
    """The log of a server over the same disks."""
    plugin = os.path.abspath(os.environ.get("MIRROR_SO") or "mirror.so")
    if shutil.which("nbdkit") is None:
        return
    for disks in ([bench.a, bench.b], [bench.a, b"missing" + bench.name],
                  [b"missing" + bench.name] * 2,
                  [bench.a, b"unused" + bench.name]):
        socket = os.path.join(os.fsencode(bench.folder), b"once")
        if os.path.exists(socket):
            os.remove(socket)
        done = start(bench.folder, [
            "timeout", os.environ.get("MIRROR_HANG_LIMIT", "600"),
            "nbdkit", "-f", "-U", socket, plugin,
            *(b"disk=" + name for name in disks), "degraded=yes", "--run",
            "true"])
        expect_shown(disks, done.stdout + done.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        lines = Bench(folder, b"plain", b"plain").check(None)
        for i, name in enumerate(NAMES):
            bench = Bench(folder, name, NAMES[(i + 1) % len(NAMES)])
            check_server(bench)
            bench.check(lines)
        check_names(folder)
        check_export(folder)
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
