#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every command says which server it waits for, and --timeout ends it."""

import os
import socket
import subprocess
import sys
import tempfile

import tool
from tool import TOOL, disk, expect


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mute.sock")
        uri = f"nbd+unix:///?socket={path}"
        disk(folder, "a", 8 << 20)
        with socket.socket(socket.AF_UNIX) as mute:
            mute.bind(path)
            mute.listen(16)  # and nobody ever accepts
            for words in (["examine", uri], ["assemble", "--dry-run", uri],
                          ["create", "--yes", uri, "missing"],
                          ["erase", "--yes", uri]):
                done = subprocess.run([TOOL, *words, "--timeout", "2"],
                                      cwd=folder, text=True,
                                      stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
                expect(f"{words} status", done.returncode, 3)
                lines = done.stderr.splitlines()
                expect(f"{words}: {lines}", lines[0].startswith(
                    f"nbdmirror: {uri}: waiting: "), True)
                expect(f"{words}: {lines}", "up to 2 s" in lines[0], True)
                expect(f"{words}: {lines}", len(lines) > 1, True)
        for wrong in "0", "-1", "x", "", "1.5", "3601", "99999999999999999999":
            for words in (["examine", f"--timeout={wrong}", "a"],
                          [f"--timeout={wrong}", "examine", "a"]):
                expect(wrong, tool.run(folder, *words, quiet=True)[0], 2)
        # Nobody is waited for, and before the command it counts as well.
        done = subprocess.run([TOOL, "--timeout=1", "examine", "a"],
                              cwd=folder, text=True, stderr=subprocess.PIPE)
        expect("a file", "waiting" in done.stderr, False)
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
