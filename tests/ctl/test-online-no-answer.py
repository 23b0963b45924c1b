#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A server that greets and goes before it answers: no command of a server that
runs calls that a success."""

import os
import socket
import sys
import tempfile
import threading

import tool
from tool import expect

GREETING = (b'{"nbdmirror":{"control":1,"format":1,"server":"0",'
            b'"array":"vm","uuid":null}}\n')

COMMANDS = (["status"], ["detail"], ["history"], ["events"], ["metrics"],
            ["wait", "--timeout", "1"], ["stop"], ["rebuild", "pause"],
            ["fail", "--yes", "0"], ["remove", "--yes", "0"],
            ["readd", "--yes", "0"], ["add", "--yes", "/dev/null"],
            ["replace", "--yes", "0", "/dev/null"],
            ["write-mostly", "--yes", "0"], ["read-as-others", "--yes", "0"])


def serve(listener):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            client.sendall(GREETING)
            client.recv(1)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "nbdmirror"))
        os.environ["XDG_RUNTIME_DIR"] = folder
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(folder, "nbdmirror", "vm.sock"))
            listener.listen(16)
            thread = threading.Thread(target=serve, args=(listener,))
            thread.start()
            for words in COMMANDS:
                status = tool.run(folder, *words, quiet=True)[0]
                expect(f"{words}: status {status} is no success",
                       status != 0, True)
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
    print(f"{tool.failures} differences")
    return 1 if tool.failures else 0


if __name__ == "__main__":
    sys.exit(main())
