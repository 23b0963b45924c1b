#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The tests' own proxy does what it is told, over a Unix socket and TCP: tests
# of lost and spoilt connections are worth no more than it.

. "$(dirname "$0")/functions.sh"
requires_libnbd

noise 1M >a.img
serve a file a.img
proxy unix "$dir/a.sock"
proxy tcp "$dir/a.sock" tcp
python "$port" <<'END'
from nbdtest import *
import socket

port = sys.argv[1]


def way_to(name):
    h = nbd.NBD()
    if name == "tcp":
        h.connect_tcp("127.0.0.1", port)
    else:
        h.connect_unix(os.path.abspath(name + ".sock"))
    return h


def bytes_at(offset, length):
    with open("a.img", "rb") as file:
        file.seek(offset)
        return file.read(length)


def do(name, command):
    answer = proxy_do(name, command)
    assert answer == "done", answer


# Until its status says so.
def until(name, **wanted):
    while not wanted.items() <= proxy_status(name).items():
        time.sleep(0.01)


# Something came back in 256 bytes at least, and not all of it.
def check_drip(name):
    h = way_to(name)
    do(name, "drip 4096")
    before = proxy_status(name)["down"]
    cookie = h.aio_pread(nbd.Buffer(MiB), 0)
    while proxy_status(name)["down"] < before + 1000:
        h.poll(10)
    assert not h.aio_command_completed(cookie)
    do(name, "pass")
    finish(h, cookie)
    h.shutdown()


def check_freeze(name):
    h = way_to(name)
    do(name, "freeze")
    cookie = aio_pwrite(h, b"f" * 512, 0)
    other = nbd.NBD()
    if name == "tcp":
        other.aio_connect_tcp("127.0.0.1", port)
    else:
        other.aio_connect_unix(os.path.abspath(name + ".sock"))
    # A round of the proxy's for each of these.
    for i in range(10):
        h.poll(1)
        other.poll(1)
        assert proxy_status(name)["clients"] == 1
    assert bytes_at(0, 512) != b"f" * 512
    do(name, "pass")
    finish(h, cookie)
    while other.aio_is_connecting():
        other.poll(-1)
    assert other.aio_is_ready()
    other.shutdown()
    h.shutdown()
    until(name, clients=0, orphans=0)


# What was held reaches the server though its client has gone, and another one
# has been served meanwhile.
def check_zombie(name, how):
    h = way_to(name)
    do(name, "hold up")
    aio_pwrite(h, b"z" * 4096, 8192)
    until(name, held_up=28 + 4096)
    if how == "leave":
        del h
    else:
        do(name, how)
    until(name, clients=0, orphans=1)
    do(name, "pass")
    other = way_to(name)
    other.pwrite(b"o" * 4096, 8192)
    assert bytes_at(8192, 4096) == b"o" * 4096
    do(name, "deliver")
    while bytes_at(8192, 4096) != b"z" * 4096:
        time.sleep(0.01)
    other.shutdown()
    do(name, "forget")
    assert proxy_do(name, "deliver") == "nothing to deliver"
    until(name, clients=0, orphans=0)


def check_one_way(name):
    h = way_to(name)
    do(name, "drop down")
    cookie = aio_pwrite(h, b"d" * 512, 16384)
    while bytes_at(16384, 512) != b"d" * 512:
        h.poll(10)
    assert not h.aio_command_completed(cookie)
    do(name, "pass")
    h = way_to(name)
    do(name, "hold down")
    cookie = aio_pwrite(h, b"e" * 512, 16384)
    while bytes_at(16384, 512) != b"e" * 512 \
            or proxy_status(name)["held_down"] == 0:
        h.poll(10)
    assert not h.aio_command_completed(cookie)
    do(name, "pass")
    finish(h, cookie)
    h.shutdown()
    h = way_to(name)
    do(name, "drop up")
    cookie = aio_pwrite(h, b"u" * 512, 20480)
    for i in range(10):
        h.poll(1)
        proxy_status(name)
    assert bytes_at(20480, 512) != b"u" * 512
    do(name, "pass")
    do(name, "close")


# In the middle of a reply.
def check_reset(name):
    h = way_to(name)
    do(name, "reset-after 1000")
    # On a Unix socket there are resets only where something is unread.
    fails(errno.ECONNRESET if name == "tcp" else 0, h.pread, 65536, 0)

    raw = socket.create_connection(("127.0.0.1", port)) \
        if name == "tcp" else socket.socket(socket.AF_UNIX)
    if name != "tcp":
        raw.connect(name + ".sock")
    assert raw.recv(8) == b"NBDMAGIC"
    do(name, "reset")
    try:
        data = raw.recv(100)
        while data:
            data = raw.recv(100)
        assert name == "unix"
    except ConnectionResetError:
        pass


def check_close(name):
    h = way_to(name)
    do(name, "close")
    while not h.aio_is_closed():
        h.poll(-1)


def check_refuse(name):
    h = way_to(name)
    do(name, "refuse")
    fails(errno.ECONNREFUSED, way_to, name)
    assert h.pread(512, 0) == bytes_at(0, 512)
    do(name, "listen")
    way_to(name).shutdown()
    h.shutdown()


assert proxy_do("unix", "dance").startswith("no such command")
for name in ("unix", "tcp"):
    h = way_to(name)
    h.pwrite(random.randbytes(65536), 0)
    assert h.pread(MiB, 0) == bytes_at(0, MiB)
    h.shutdown()
    until(name, clients=0, orphans=0)
    check_drip(name)
    check_freeze(name)
    for how in ("leave", "reset", "close"):
        check_zombie(name, how)
    check_one_way(name)
    check_reset(name)
    check_close(name)
    check_refuse(name)
END
proxy_do unix freeze
proxy_do unix pass
proxy_has unix clients=0
stop a
