#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a control client may send: lines without end, nested without end, no
# JSON, wrong types, half of a message; it may come in crowds, not read, or be
# gone before the answer.  It is told, or dropped; others are served, and so is
# the array.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 4M a.img b.img
serve_mirror a.img b.img control="$dir/control"
controlled mirror
python <<'END'
from control import *
from nbdtest import *
import os
import random

rng = random.Random(int(os.environ.get("MIRROR_SEED") or 1))
pid = Control("control").greeting["pid"]


def code(data):
    """Of the only answer to these bytes; the connection goes on."""
    control = Control("control")
    control.send_raw(data + b"\n")
    reply = control.receive()
    assert not reply["ok"], reply
    control.ask("status")
    control.close()
    return reply["error"]["code"]


for data in [b"", b"[]", b"1", b"null", b'"status"', b"{", b"}", b"status",
             b'{"cmd":1}', b'{"cmd":null}', b'{"id":1}', b"{}", b"\xff\xfe",
             b'{"cmd":"sta\0tus"}', b'{"cmd":"status","args":[]}',
             b'{"cmd":"status","args":1}', b'{"cmd":"status","id":[1]}',
             b'{"cmd":"status","id":true}', b'{"cmd":"status","id":{}}',
             b'{"cmd":"status","more":1}', b"[" * 30000, b'{"a":' * 10000,
             b'{"cmd":"status","args":{"a":' + b"[" * 100 + b"]" * 100 + b"}}",
             b'{"cmd":"sta\\u0000tus"}', b'{"cmd":"status\\u0000","id":1}',
             b'{"cmd":"status","id":"\\u0000"}',
             b'{"cmd":"status","id":"\\ud800"}',
             b'{"cmd":"\xc3"}', bytes(rng.choices(range(32, 256), k=5000))]:
    expect(data[:60], code(data), "bad-request")
for data in [b'{"cmd":""}', b'{"cmd":"dance"}', b'{"cmd":"STATUS"}',
             b'{"cmd":"' + b"s" * 60000 + b'"}',
             b'{"cmd":"sta\\\\u0000tus"}', '{"cmd":"\u202e\x7f%s%n"}'.encode()]:
    expect(data[:60], code(data), "unknown-command")
for data in [b'{"cmd":"status","args":{"force":true}}',
             b'{"cmd":"stop","args":{"force":1}}',
             b'{"cmd":"stop","args":{"force":"true"}}',
             b'{"cmd":"stop","args":{"force":null}}',
             b'{"cmd":"stop","args":{"force":{}}}']:
    expect(data[:60], code(data), "bad-argument")

# An order whose arguments are of other types is none: what only asks would be
# carried out, and a disk that is no string be left out.
for args in [b'"slots":3,"dry_run":1', b'"slots":3,"dry_run":"true"',
             b'"slots":3,"dry_run":null', b'"slots":3,"disk":7',
             b'"slots":3,"disk":null', b'"slots":3,"discard":[]',
             b'"slots":3.0', b'"slots":"3"', b'"slots":-1', b'"slots":0',
             b'"slots":4294967299', b'"slots":18446744073709551619',
             b'"slots":3,"member":{}', b'"slots":3,"size":"0"',
             b'"slots":3,"chunk":true', b'"slots":3,"name":1']:
    data = b'{"cmd":"grow-legs","args":{' + args + b"}}"
    expect(data, code(data), "bad-argument")
data = b'{"cmd":"spare","args":{"disk":"/a\\u0000","dry_run":true}}'
expect(data, code(data), "bad-request")
expect("slots", Control("control").ask("status")["array"]["slots"], 2)

# Every change of one character of a good request is answered.
good = b'{"id":1,"cmd":"status","args":{}}'
control = Control("control")
for at in range(len(good)):
    for byte in {ord(c) for c in '{}[]":,1nt\\x'} | {0, 1, 0x7f, 0xff}:
        control.send_raw(good[:at] + bytes([byte]) + good[at + 1:] + b"\n")
        assert control.receive() is not None

# A line that is too long: told, and dropped.
for data in b"x" * 70000, b'{"cmd":"' + b"y" * (1 << 20):
    control = Control("control")
    try:
        control.send_raw(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
    reply = control.receive()
    assert reply is None or reply["error"]["code"] == "line-too-long", reply
    assert reply is None or control.receive() is None

# In pieces, several at once, and with nothing behind the last one.
control = Control("control")
for byte in b'{"cmd":"status","id":"pieces"}\n':
    control.send_raw(bytes([byte]))
expect("pieces", control.receive()["id"], "pieces")
control.send_raw(b'{"cmd":"status","id":1}\n{"cmd":"status","id":2}\n{"cm')
expect("ids", [control.receive()["id"] for _ in range(2)], [1, 2])
control.socket.shutdown(socket.SHUT_WR)
expect("end", control.receive(), None)

# Gone before the answer, in crowds.
for _ in range(200):
    control = Control("control")
    control.send_raw(b'{"cmd":"status"}\n' * rng.randrange(20))
    control.close()

# One that never reads is dropped, and meanwhile others are answered.
deaf = Control("control")
deaf.socket.settimeout(0.01)
sent = 0
try:
    while True:
        try:
            sent += deaf.socket.send(b'{"cmd":"status"}\n' * 100)
        except socket.timeout:
            Control("control").ask("status")
except (BrokenPipeError, ConnectionResetError):
    pass

# As many as may be; then no more, until one goes.
crowd = [Control("control") for _ in range(32)]
extra = Control("control", greeted=False)
expect("extra", extra.receive()["error"]["code"], "too-many-clients")
expect("extra", extra.receive(), None)
Control("control.ro").ask("status")
for control in crowd:
    control.ask("status")
crowd.pop().close()


def admitted():
    control = Control("control", greeted=False)
    return "nbdmirror" in control.receive()


wait_until(admitted)

h = connect()
h.pwrite(b"1" * 4096, 0)
h.flush()
expect("the server", Control("control.ro").greeting["pid"], pid)
END
cmp a.img b.img
stop mirror
