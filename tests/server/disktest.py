# SPDX-License-Identifier: BSD-3-Clause
# disktest: what disks hold, made without any tool: partition tables, things
# with uuids, and metadata of RAIDs, as far as anybody looks at them.

import struct
import uuid
import zlib

SECTOR = 512
MD_MAGIC = 0xa92b4efc


def size_of(path):
    with open(path, "rb") as disk:
        return disk.seek(0, 2)


def put(path, offset, data):
    with open(path, "r+b") as disk:
        disk.seek(offset)
        disk.write(data)


# A GPT with its second copy; partitions are (first sector, last sector).
def gpt(path, name, partitions, sector=SECTOR):
    last = size_of(path) // sector - 1
    disk_uuid = uuid.uuid5(uuid.NAMESPACE_DNS, name)
    kind = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
    entries = b""
    for i, (start, end) in enumerate(partitions):
        own = uuid.uuid5(disk_uuid, str(i))
        entries += struct.pack("<16s16sQQQ72s", kind.bytes_le, own.bytes_le,
                               start, end, 0, b"")
    entries = entries.ljust(128 * 128, b"\0")
    count = len(entries) // sector

    def header(here, other, table):
        def fill(crc):
            return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92,
                               crc, 0, here, other, 2 + count,
                               last - 1 - count, disk_uuid.bytes_le, table,
                               128, 128, zlib.crc32(entries))
        return fill(zlib.crc32(fill(0))).ljust(sector, b"\0")

    mbr(path, [(0xee, 1, min(last, 0xffffffff))])
    put(path, sector, header(1, last, 2))
    put(path, 2 * sector, entries)
    put(path, (last - count) * sector, entries)
    put(path, last * sector, header(last, 1, last - count))


# Partitions are (type, first sector, sectors).
def mbr(path, partitions, ident=0, at=0):
    table = bytearray(SECTOR)
    struct.pack_into("<I", table, 440, ident)
    for i, (kind, start, count) in enumerate(partitions):
        struct.pack_into("<B3sB3sII", table, 446 + 16 * i, 0, b"\0\2\0", kind,
                         b"\xff\xff\xff", start, count)
    table[510:] = b"\x55\xaa"
    put(path, at * SECTOR, bytes(table))


# Swap space: the shortest thing that has a uuid.
def swap(path, name, at=0, pages=100):
    page = bytearray(4096)
    struct.pack_into("<III", page, 1024, 1, pages - 1, 0)
    page[1036:1052] = uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes
    page[4086:] = b"SWAPSPACE2"
    put(path, at, bytes(page))


# A superblock of version 1.x whose own place is sector @own.
def md(path, at, own):
    super = bytearray(SECTOR)
    struct.pack_into("<II", super, 0, MD_MAGIC, 1)
    super[16:32] = b"0123456789abcdef"
    struct.pack_into("<Q", super, 144, own)
    put(path, at, bytes(super))


def md_old(path, at, order="<"):
    put(path, at, struct.pack(order + "IIII", MD_MAGIC, 0, 90, 0))


# Intel's and DDF's, on a disk that ends there.
def imsm(path, end):
    put(path, end - 2 * SECTOR, b"Intel Raid ISM Cfg Sig. 1.3.00".ljust(SECTOR))


def ddf(path, end):
    header = struct.pack(">II24s8s", 0xde11de11, 0xffffffff, b"guid",
                         b"01.02.00")
    primary = end // SECTOR - 32
    header = header.ljust(96, b"\xff") + struct.pack(">Q", primary)
    for sector in primary, end // SECTOR - 1:
        put(path, sector * SECTOR, header.ljust(SECTOR, b"\xff"))
