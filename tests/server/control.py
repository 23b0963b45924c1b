# SPDX-License-Identifier: BSD-3-Clause
"""A client of the control socket: every message, both ways, is what the
schema says."""

import json
import os
import socket
import sys
import time

TOP = os.environ.get("top_srcdir") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../..")
HANG_LIMIT = int(os.environ.get("MIRROR_HANG_LIMIT", "600"))

try:
    import jsonschema
except ImportError:
    print("skipped: no jsonschema for", sys.executable)
    sys.exit(77)

with open(os.path.join(TOP, "lib/control/schema.json")) as file:
    SCHEMA = json.load(file)
jsonschema.Draft7Validator.check_schema(SCHEMA)
RESULTS = SCHEMA["definitions"]["results"]["definitions"]


def validate(message, schema):
    jsonschema.Draft7Validator(
        {**schema, "definitions": SCHEMA["definitions"]}).validate(message)


class Control:
    def __init__(self, path, greeted=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(HANG_LIMIT)
        self.socket.connect(path)
        self.file = self.socket.makefile("r", encoding="utf-8")
        self.greeting = self.receive()["nbdmirror"] if greeted else None

    def receive(self):
        """The next message; None: the other side has closed."""
        try:
            line = self.file.readline()
        except ConnectionResetError:
            return None
        if not line:
            return None
        assert line.endswith("\n"), line
        message = json.loads(line)
        validate(message, SCHEMA)
        return message

    def send(self, message):
        validate(message, SCHEMA)
        self.send_raw(json.dumps(message).encode() + b"\n")

    def send_raw(self, data):
        self.socket.sendall(data)

    def ask(self, cmd, **args):
        """The result."""
        self.send({"id": 7, "cmd": cmd, **({"args": args} if args else {})})
        reply = self.receive()
        assert reply["id"] == 7 and reply["ok"], reply
        validate(reply["result"], RESULTS[cmd])
        return reply["result"]

    def refused(self, cmd, **args):
        """The code of the error."""
        self.send({"id": "x", "cmd": cmd, **({"args": args} if args else {})})
        reply = self.receive()
        assert reply["id"] == "x" and not reply["ok"], reply
        return reply["error"]["code"]

    def history(self):
        """What happened, without mere messages."""
        return [event for event in self.ask("history")["events"]
                if event["kind"] != "Message"]

    def event(self):
        """The next one, likewise."""
        while True:
            event = self.receive()["event"]
            if event["kind"] != "Message":
                return event

    def close(self):
        self.file.close()
        self.socket.close()


def expect(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"{what}: saw {seen!r}, expected {wanted!r}")


def wait_until(done):
    """What is waited for must come; the limit is for hangs."""
    deadline = time.monotonic() + HANG_LIMIT
    while not done():
        if time.monotonic() > deadline:
            sys.exit("gave up waiting")
        time.sleep(0.02)
