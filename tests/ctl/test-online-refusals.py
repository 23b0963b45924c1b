#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A battery of refusals: orders that a real server refuses, each for a real
cause, with its code, one line that says why, and nothing changed.

So are the reasons why an array is not as it should be, in its status.

Every code in the sources is either reached here or in a test that is named, or
it is said why it cannot be; a new code fails until it is in one of these."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import tool
from tool import TOP, disk, edit, expect

MIB = 1 << 20
SIZE = 12 * MIB
FAILED = 0xfffe

# Reached elsewhere: by the word itself, or by the name of its constant.
ELSEWHERE = {
    "another-disk": "tests/server/test-md-leg-comes-back-wrong.sh:"
                    "another disk than before",
    "another-history": "tests/server/test-md-all-legs-gone.sh:"
                       "not as it was left",
    "bad-name": "tests/unit/test-grow.c",
    "bitmap-differs": "tests/unit/test-fit.c:FIT_BITMAP",
    "block-size": "tests/unit/test-fit.c:FIT_BLOCKS",
    "bitmap-outdated": "tests/unit/test-fit.c:FIT_OUTDATED",
    "events-too-old": "tests/unit/test-fit.c:FIT_EVENTS",
    "full-copy-needed": "tests/unit/test-comeback.c",
    "given-up": "tests/server/test-hung-disk-joining.sh:given up",
    "in-use": "tests/unit/test-change-plain.c",
    "no-bitmap": "tests/unit/test-fit.c:FIT_NO_BITMAP",
    "no-flush": "tests/server/test-md-leg-comes-back-wrong.sh:"
                "could flush before and cannot now",
    "no-member": "tests/unit/test-change.c",
    "no-room": "tests/unit/test-resize.c",
    "not-a-copy": "tests/unit/test-comeback.c",
    "not-new": "tests/unit/test-spare.c",
    "not-recorded": "tests/unit/test-change.c",
    "not-proven": "tests/server/test-state-all-gone.sh:"
                  "nothing that was written tells",
    "quarantine": "tests/server/test-md-last-copy-late-writes.sh:"
                  "may still be carried out",
    "recovery-was-incomplete": "tests/unit/test-fit.c:FIT_INCOMPLETE",
    "same-disk": "tests/unit/test-change.c",
    "spare": "tests/unit/test-spare.c",
    "spare-waits": "tests/unit/test-grow.c",
    "state-file": "tests/server/test-state-remembers.sh:its size stays",
    "too-many-members": "tests/unit/test-change.c",
    "unreadable": "tests/unit/test-fit.c:FIT_UNREADABLE",
}

NOWHERE = {
    "ok": "no refusal",
    "no-memory": "an allocation would have to fail in the middle of an order",
    "no-thread": "a thread would have to be refused by the kernel",
    "no-opener": "only tests make an array whose door opens no disks",
    "needs-aligned-memory": "wants O_DIRECT for one disk of several",
    "still-closing": "for as long as it takes to close a disk",
    "stopping": "an order would have to come between a stop and its end",
    "copies-differ": "for as long as a resync takes",
    "sync-running": "for as long as a resync takes",
    "array": "no test yet",
    "shape-differs": "no test yet",
    "bad-blocks": "no test yet",
}


# The same, of the reasons in the status.
NO_REASON = {
    "array-unreachable": "servers would have to be gone "
                         "(test-all-disks-gone.sh)",
    "disk-hung": "a disk would have to hang (test-hung-disk-failed.sh)",
    "last-copy-lost": "a server would have to be gone (test-state-all-gone.sh)",
    "metadata-not-stored": "a state file would have to be lost "
                           "(test-state-lost.sh)",
    "reads-pinned": "a write would have to fail on all copies",
}


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.reached = set()
        self.reasons = set()
        self.control = os.path.join(folder, "control")
        self.process = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def tool(self, *words):
        done = subprocess.run([tool.TOOL, *words], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stdout, done.stderr

    def does(self, *words):
        seen = self.tool(*words)
        expect(f"{words}: {seen}", seen[0], 0)

    def start(self, *names):
        for name in "pid", "sock":
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        self.process = subprocess.Popen(
            ["nbdkit", "-f", "-U", self.path("sock"), "-P", self.path("pid"),
             os.environ["MIRROR_SO"], f"control={self.control}",
             *(self.path(name) for name in names)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(self.path("pid")):
            if self.process.poll() is not None:
                sys.exit(f"no start with {names}")
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def order(self, verb, *words):
        """It is done, and what it began as well."""
        self.does("--yes", verb, self.control, *words)
        self.tool("wait", "--for", "idle", self.control)

    def refused(self, code, verb, *words):
        before = self.tool("--json", "status", self.control)[1]
        status, _, text = self.tool("--yes", verb, self.control, *words)
        expect(f"{verb} {words}: {text}",
               (status, f": {code}: " in text, text.count("\n")),
               (1, True, 1))
        after = self.tool("--json", "status", self.control)[1]
        volatile = r'"(uptime_s|reads|writes|dirty|in_flight)" : \w+'
        expect(f"{verb} {words}: nothing has changed",
               re.sub(volatile, "", after), re.sub(volatile, "", before))
        self.reached.add(code)

    def because(self, *codes):
        """The status says this, and nothing else."""
        text = self.tool("--json", "status", self.control)[1]
        array, = json.loads(text)["arrays"]
        expect(f"because {codes}", sorted(reason["code"] for reason
                                          in array["reasons"]), sorted(codes))
        for reason in array["reasons"]:
            expect(f"{reason}", all(reason[what] for what in
                                    ("what", "impact", "action")), True)
        self.reasons.update(codes)

    def write(self):
        """As a client does, so that there is something to miss."""
        image = self.path("noise")
        with open(image, "wb") as file:
            file.write(os.path.basename(self.folder).encode() * 1000)
            file.truncate(MIB)
        subprocess.run(["nbdcopy", image,
                        f"nbd+unix:///?socket={self.path('sock')}"],
                       check=True)

    def copy(self, old, new):
        shutil.copy(self.path(old), self.path(new))


def members(server):
    """An array of a and b; b has failed, and there is room for another one."""
    for name in "a", "b":
        disk(server.folder, name, SIZE)
    server.does("create", "--yes", "--assume-clean", "--name", "full", "a",
                "b")
    server.copy("b", "past")
    server.start("a", "b")
    server.write()
    server.refused("unknown-member", "fail", "7")
    server.refused("no-free-slot", "add", disk(server.folder, "c", SIZE))
    server.because()
    server.order("fail", "1")
    server.because("disk-failed")
    server.refused("last-copy", "fail", "0")
    server.refused("last-copy", "remove", "0")
    server.refused("failed", "replace", "1", server.path("c"))


def newcomers(server):
    """To be added to the slot that b had."""
    add = server.path
    server.order("remove", "1")
    server.because("disk-missing")
    server.refused("missing", "add", add("nowhere"))
    server.refused("unusable", "add", server.folder)
    server.refused("unusable", "add", add("a"))
    server.refused("too-small", "add", disk(server.folder, "small", 6 * MIB))
    with open(disk(server.folder, "used", SIZE), "r+b") as file:
        file.write(b"something")
    server.refused("overwrites", "add", add("used"))
    for name in "m", "n":
        disk(server.folder, name, SIZE)
    server.does("create", "--yes", "--name", "other", "m", "n")
    server.refused("uuid-differs", "add", add("m"))
    server.copy("a", "twin")
    server.refused("copy-of-member", "add", add("twin"))
    server.copy("past", "damaged")
    edit(add("damaged"), "<Q", 80, 0, fix=False)
    server.refused("damaged", "add", add("damaged"))
    server.copy("past", "strange")
    edit(add("strange"), "<I", 8, 1 << 30)
    server.refused("unsupported", "add", add("strange"))


def exported(server):
    """Servers' disks that can only be read, and the same disk by another
    way."""
    socket = server.path("remote")
    with subprocess.Popen(["nbdkit", "-f", "-r", "-U", socket, "file",
                           server.path("c")]) as remote:
        while not os.path.exists(socket):
            time.sleep(0.02)
        uri = f"nbd+unix:///?socket={socket}"
        server.refused("read-only", "add", uri)
        remote.terminate()
    os.unlink(socket)


def old_members(server):
    """They were in the array once, and went other ways."""
    server.copy("past", "apart")
    edit(server.path("apart"), "<Q", 200, 1000)
    edit(server.path("apart"), "<H", 256, FAILED)
    server.refused("different-history", "add", server.path("apart"))
    server.copy("past", "resigned")
    edit(server.path("resigned"), "<H", 256 + 2, FAILED)
    server.refused("no-slot", "add", server.path("resigned"))
    server.order("add", "--discard", server.path("c"))
    server.order("fail", "0")
    server.order("remove", "0")
    server.refused("slot-taken", "add", server.path("past"))
    server.stop()


def busy_members(server):
    """While one is being rebuilt, and while one is replaced."""
    for name in "p", "q":
        disk(server.folder, name, SIZE)
    server.does("create", "--yes", "--assume-clean", "--name", "busy", "p",
                "q")
    server.start("p", "q")
    server.write()
    server.order("fail", "1")
    server.does("rebuild", "pause", server.control)
    server.write()
    server.does("--yes", "readd", server.control, "1")
    server.because("rebuilding")
    server.refused("not-in-sync", "replace", "1",
                   disk(server.folder, "r", SIZE))
    server.does("rebuild", "resume", server.control)
    server.does("wait", server.control)
    server.does("rebuild", "pause", server.control)
    server.does("--yes", "replace", server.control, "1", server.path("r"))
    server.does("--yes", "fail", server.control, server.path("r"))
    server.does("--yes", "remove", server.control, server.path("r"))
    server.order("fail", "1")
    server.order("remove", "1")
    server.refused("replacement", "add", server.path("r"))
    server.does("rebuild", "resume", server.control)
    server.order("add", disk(server.folder, "s", SIZE))
    server.order("replace", "1", disk(server.folder, "t", SIZE))
    server.because("disk-unused")
    server.order("remove", server.path("s"))
    server.order("spare", disk(server.folder, "u", SIZE))
    server.because()
    server.order("fail", server.path("u"))
    server.because("spare-failed")
    server.stop()


def shapes(server):
    """Arrays that cannot become what is asked for."""
    names = ["e", "f", "g"]
    for name in names:
        disk(server.folder, name, SIZE)
    server.does("create", "--yes", "--assume-clean", "--name", "shape",
                *names)
    server.start(*names)
    server.refused("already", "grow", "--size", "max")
    server.refused("smaller", "grow", "--size", "4M")
    server.refused("too-small", "grow", "--size", "400G")
    server.refused("bad-number", "grow", "--legs", "33")
    server.order("fail", "2")
    server.refused("degraded", "grow", "--size", "max")
    server.stop()
    for name in names:
        disk(server.folder, name, SIZE)
    server.does("create", "--yes", "--assume-clean", "-l", "10", "-p", "f2",
                "-c", "64K", *names)
    server.start(*names)
    server.refused("far-layout", "grow", "--size", "max")
    server.refused("raid10", "grow", "--legs", "4")
    server.stop()


def never_synced(server):
    for name in "v", "w":
        disk(server.folder, name, SIZE)
    server.does("create", "--yes", "--name", "new", "v", "w")
    server.start("v", "w")
    server.because("resyncing")
    server.stop()


def without_metadata(server):
    for name in "x", "y":
        disk(server.folder, name, SIZE)
    server.start("x", "y")
    server.refused("no-metadata", "spare", server.path("c"))
    server.refused("md-member", "replace", "1", server.path("past"))
    server.stop()


def codes_in_sources():
    codes = set()
    folder = os.path.join(TOP, "lib/engine")
    for top, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".c"):
                with open(os.path.join(top, name), encoding="utf-8") as file:
                    text = file.read()
                for call in re.findall(r"change_refuse \([^;]*?;", text):
                    # What comes behind the code is text.
                    codes.update(itertools.takewhile(
                        lambda word: re.fullmatch("[a-z]+[a-z0-9-]*", word),
                        re.findall(r'"([^"]*)"', call)))
    for path in "lib/engine/life/order.c", "lib/members/fit.c":
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            codes.update(re.findall(r'\] = \{ "([a-z-]+)"', file.read()))
    return codes


def reasons_in_sources():
    with open(os.path.join(TOP, "lib/control/reasons.c"),
              encoding="utf-8") as file:
        return set(re.findall(r'^ +"([a-z]+(?:-[a-z]+)+|[a-z]+ing)",', file.read(),
                              re.M))


def check_elsewhere():
    for code, where in ELSEWHERE.items():
        path, _, word = where.partition(":")
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            expect(f"{code} in {where}", (word or f'"{code}"') in file.read(),
                   True)


def main():
    if shutil.which("nbdkit") is None or shutil.which("nbdcopy") is None:
        print("skipped: no nbdkit, or no nbdcopy")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        try:
            for check in (members, newcomers, exported, old_members,
                          busy_members, shapes, never_synced,
                          without_metadata):
                check(server)
        finally:
            if server.process.poll() is None:
                server.process.kill()
    check_elsewhere()
    known = server.reached | set(ELSEWHERE) | set(NOWHERE)
    codes = codes_in_sources()
    expect("codes that nobody reaches", sorted(codes - known), [])
    expect("codes that are gone", sorted(known - codes), [])
    expect("codes that are reached", sorted(server.reached & set(NOWHERE)), [])
    expect("reasons", sorted(server.reasons | set(NO_REASON)),
           sorted(reasons_in_sources()))
    print(f"{len(server.reached)} of {len(codes)} codes reached here, "
          f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
