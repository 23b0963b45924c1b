# SPDX-License-Identifier: BSD-3-Clause
# nbdtest: what the Python parts of the tests share.  They run in the test's
# folder, where server NAME listens on NAME.sock.

import errno
import os
import random
import signal
import sys
import time

import nbd

KiB = 1024
MiB = 1024 * 1024

random.seed(int(os.environ["MIRROR_SEED"]))


# Strict is what libnbd refuses to send because the server would refuse it;
# with strict=False the server's own answer is seen.
def connect(name="mirror", strict=True):
    h = nbd.NBD()
    h.add_meta_context("base:allocation")
    if not strict:
        h.set_strict_mode(0)
    h.set_full_info(True)
    h.connect_unix(os.path.abspath(name + ".sock"))
    return h


# Succeeds if call(*arguments) fails with this error.
def fails(error, call, *arguments):
    try:
        call(*arguments)
    except nbd.Error as e:
        assert e.errnum == error, e
        return
    raise AssertionError("%s succeeded" % call)


# Until this command of h has ended; raises its error.
def finish(h, cookie):
    while not h.aio_command_completed(cookie):
        h.poll(-1)


# Of blocks that were written, each with its number all over it, @path has those
# that were acknowledged, line by line: they are there.
def check_acknowledged(h, path):
    last = {}
    with open(path) as lines:
        for line in lines:
            at, number = line.split()
            last[int(at)] = int(number)
    for at, number in last.items():
        found = h.pread(4096, at * 4096)
        # One that was under way may have come after it.
        if found != number.to_bytes(8, "little") * 512:
            assert found == found[:8] * 512, at
            assert int.from_bytes(found[:8], "little") > number, at


def aio_pwrite(h, data, offset, flags=0):
    buffer = nbd.Buffer.from_bytearray(bytearray(data))
    return h.aio_pwrite(buffer, offset, flags=flags)


# What proxy.py at NAME answers to this command.
def proxy_do(name, command):
    with open(name + ".commands", "w") as commands:
        commands.write(command + "\n")
    with open(name + ".answers") as answers:
        return answers.readline().strip()


# Its status, numbers by name.
def proxy_status(name):
    return {key: int(value) for key, value in
            (word.split("=") for word in proxy_do(name, "status").split())}


# The type bits of each byte range: [(offset, length, bits)...].
def extents(h, length, offset=0, flags=0):
    found = []

    def add(context, at, entries, error):
        for i in range(0, len(entries), 2):
            found.append((at, entries[i], entries[i + 1]))
            at += entries[i]

    h.block_status(length, offset, add, flags=flags)
    return found
