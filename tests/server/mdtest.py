# SPDX-License-Identifier: BSD-3-Clause
# mdtest: superblocks of version 1.2, changed as no tool would change them.

import contextlib
import json
import os
import struct
import subprocess

SUPER = 4096
FEATURES, DATA_OFFSET, DATA_SIZE, CHECKSUM = 8, 128, 136, 216
BBLOG_SIZE, BBLOG_OFFSET, ROLES = 186, 188, 256


# with superblock("a.img") as sb: ...; its checksum is right afterwards.
@contextlib.contextmanager
def superblock(path):
    with open(path, "r+b") as disk:
        disk.seek(SUPER)
        sb = bytearray(disk.read(4096))
        yield sb
        roles = struct.unpack_from("<I", sb, 220)[0]
        length = ROLES + 2 * roles
        sb[CHECKSUM:CHECKSUM + 4] = bytes(4)
        words = bytes(sb[:length]) + bytes(-length % 4)
        total = sum(struct.unpack(f"<{len(words) // 4}I", words))
        total = (total & 0xffffffff) + (total >> 32)
        struct.pack_into("<I", sb, CHECKSUM, total & 0xffffffff)
        disk.seek(SUPER)
        disk.write(sb)


def get(sb, form, offset):
    return struct.unpack_from("<" + form, sb, offset)[0]


def put(sb, form, offset, value):
    struct.pack_into("<" + form, sb, offset, value)


def set_features(path, bits):
    with superblock(path) as sb:
        put(sb, "I", FEATURES, get(sb, "I", FEATURES) | bits)


# Ranges are (sector of the disk, sectors).
def set_bad_blocks(path, ranges):
    with superblock(path) as sb:
        put(sb, "I", FEATURES, get(sb, "I", FEATURES) | 8)
        at = get(sb, "i", BBLOG_OFFSET)
        size = get(sb, "H", BBLOG_SIZE)
    log = b"".join(struct.pack("<Q", start << 10 | length)
                   for start, length in ranges)
    write(path, SUPER + at * 512, log.ljust(size * 512, b"\xff"))


def read(path, offset, length):
    with open(path, "rb") as disk:
        disk.seek(offset)
        return disk.read(length)


def write(path, offset, data):
    with open(path, "r+b") as disk:
        disk.seek(offset)
        disk.write(data)


def examine(path):
    done = subprocess.run([os.environ["NBDMIRROR"], "--json", "examine", path],
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)["members"][0]
