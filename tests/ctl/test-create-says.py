#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What create says names the disk that is meant, and ends with the command
that serves the new array, as a shell takes it."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

import tool
from tool import TOOL, disk, expect

SIZE = 8 << 20


def create(folder, *words):
    done = subprocess.run([TOOL, "create", "--yes", *words], cwd=folder,
                          text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr


def too_small(folder):
    """Every place of the small one, in every version and level."""
    for version in "1.0", "1.1", "1.2":
        for level in "raid1", "raid10":
            for small in range(3):
                names = [f"{version}-{level}-{i}.img" for i in range(3)]
                for i, name in enumerate(names):
                    disk(folder, name, 16384 if i == small else SIZE)
                status, _, text = create(folder, "-e", version, "-l", level,
                                         *names)
                what = f"{version} {level} {small}"
                expect(what, status, 1)
                expect(f"{what}: {text}",
                       [name in text for name in names],
                       [i == small for i in range(3)])


def smallest(folder):
    """It has less than --size wants."""
    names = [f"size-{i}.img" for i in range(3)]
    for small in range(3):
        for i, name in enumerate(names):
            disk(folder, name, SIZE if i == small else 2 * SIZE)
        status, _, text = create(folder, "--size", "12M", *names)
        expect(f"size {small}", status, 1)
        expect(f"size {small}: {text}", [name in text for name in names],
               [i == small for i in range(3)])


def serve(folder, names, missing=()):
    for name in names:
        disk(folder, name, SIZE)
    words = [name if i not in missing else "missing"
             for i, name in enumerate(names)]
    status, text, _ = create(folder, "--assume-clean", "--", *words)
    expect("create", status, 0)
    last = text.splitlines()[-1]
    start = "created; to serve it: "
    expect(last, last.startswith(start), True)
    command = last[len(start):]
    status, text, _ = create(folder, "--json", "--force", "--assume-clean",
                             "--", *words)
    expect("in JSON", json.loads(text)["serve"], command)
    plugin = os.environ.get("MIRROR_SO")
    if plugin is None or shutil.which("nbdkit") is None:
        return
    # Nothing but the plugin's place, and what ends it at once.
    command = command.replace("-U mirror.sock mirror", "-U - -f "
                              + shlex.quote(plugin), 1)
    done = subprocess.run(["bash", "-c", f"{command} --run true"], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    expect(f"{command}: {done.stdout}", done.returncode, 0)


def main():
    with tempfile.TemporaryDirectory() as folder:
        too_small(folder)
        smallest(folder)
        serve(folder, ["a.img", "b.img"])
        serve(folder, ["a disk", "b'd\"i$(false)sk"])
        serve(folder, ["a=b", "-c", "--run", "disk=d", "x\ty", "*", "ü"])
        serve(folder, ["first", "second", "third"], missing=[1])
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
