#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Words that are used elsewhere get the right one; help COMMAND is COMMAND
--help."""

import os
import subprocess
import sys
import tempfile

import tool
from tool import TOOL, expect

CREATE = "nbdmirror create --level raid1"
EXAMINE = "nbdmirror examine"


def tell(*words):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([TOOL, *words], cwd=folder, text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect(f"{words}: left behind", os.listdir(folder), [])
    return done.returncode, done.stdout, done.stderr


def main():
    for words, hint in (
            (["-C", "/dev/md0"], CREATE), (["--create", "md0"], CREATE),
            (["-l1", "-n2", "a", "b"], CREATE), (["--level=1", "a"], CREATE),
            (["create", "-l1", "-n2", "a", "b"], CREATE),
            (["create", "-l", "1", "-n", "2", "a", "b"], CREATE),
            (["create", "--raid-devices=2", "a", "b"], CREATE),
            (["create", "--raid-devices", "2", "a", "b"], CREATE),
            (["--raid-devices=2", "a"], CREATE),
            (["-E", "a"], EXAMINE), (["--examine", "a"], EXAMINE),
            (["-D", "a"], "nbdmirror detail"), (["-S", "a"], "nbdmirror stop"),
            (["--wait", "a"], "nbdmirror wait"),
            (["-f", "a"], "nbdmirror fail"), (["--re-add", "a"], "readd"),
            (["--add-spare", "a"], "nbdmirror spare"),
            (["--monitor"], "event-program="),
            (["-X", "a"], EXAMINE + " --bitmap"),
            (["--zero-superblock", "a"], "nbdmirror erase"),
            (["-A", "a"], "nbdmirror assemble --dry-run"),
            (["create", "-y", "a", "b"], "--yes")):
        status, out, text = tell(*words)
        expect(f"{words}: {text}", (status, out, len(text.splitlines())),
               (2, "", 1))
        expect(f"{words}: {text}", "; here: " in text and hint in text, True)
    # Nothing is made up.
    for words in ["dance"], ["--dance"], ["examine", "--dance"], ["-"]:
        status, _, text = tell(*words)
        expect(f"{words}: {text}", (status, "here:" in text), (2, False))
    for command in tool.commands():
        expect(command, tell("help", command), tell(command, "--help"))
    expect("help", tell("help"), tell("--help"))
    for words in ["help", "dance"], ["help", "help"], ["help", "a", "b"]:
        expect(words, tell(*words)[0], 2)
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
