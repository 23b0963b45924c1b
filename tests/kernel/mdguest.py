# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's side of mdlab.py: inside the guest, as root."""

import contextlib
import fcntl
import mmap
import os
import struct
import time

from mdcontent import Failure, SECTOR, expect, pick, stamp
from mdlab import KIB, MIB, compare_bitmaps, mdadm, run

# linux/loop.h, linux/fs.h
LOOP_SET_FD, LOOP_CLR_FD, LOOP_CTL_GET_FREE = 0x4C00, 0x4C01, 0x4C82
LOOP_SET_BLOCK_SIZE = 0x4C09
BLKGETSIZE64, BLKZEROOUT = 0x80081272, 0x127F


def wait_until(what, condition):
    limit = int(os.environ.get("MIRROR_HANG_LIMIT", 600))
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"gave up waiting for {what} after {limit} s")
        time.sleep(0.01)


def attach(path, block=SECTOR):
    """A loop device on this file, with logical blocks of that size."""
    control = os.open("/dev/loop-control", os.O_RDWR)
    device = f"/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}"
    os.close(control)
    image, loop = os.open(path, os.O_RDWR), os.open(device, os.O_RDWR)
    fcntl.ioctl(loop, LOOP_SET_FD, image)
    if block != SECTOR:
        fcntl.ioctl(loop, LOOP_SET_BLOCK_SIZE, block)
    os.close(image)
    os.close(loop)
    return device


def detach(device):
    loop = os.open(device, os.O_RDWR)
    os.fsync(loop)
    fcntl.ioctl(loop, LOOP_CLR_FD)
    os.close(loop)


class Kernel:
    """An array in the hands of the kernel, as /dev/mdNUMBER."""

    def __init__(self, array, number=0):
        self.array = array
        self.device = f"/dev/md{number}"
        self.sysfs = f"/sys/block/md{number}/md"
        self.loops = []
        self.fd = None

    def get(self, name):
        with open(f"{self.sysfs}/{name}") as stream:
            return stream.read().strip()

    def put(self, name, value):
        with open(f"{self.sysfs}/{name}", "w") as stream:
            stream.write(value)

    # ------------------------------------------------- begin and end

    def attach(self):
        block = self.array.notes.get("block", SECTOR)
        self.loops = [attach(disk, block) for disk in self.array.disks]

    def detach(self):
        for loop in self.loops:
            detach(loop)
        self.loops = []

    def create(self, resync=False):
        array = self.array
        self.attach()
        options = []
        if array.level == 10:
            options += ["--layout", array.layout,
                        "--chunk", str(array.chunk // KIB)]
        if array.bitmap:
            options += ["--bitmap-chunk", f"{array.bitmap // KIB}K"]
        if not resync:
            options += ["--assume-clean"]
        run("mdadm", "--create", self.device, "--run", "--homehost=host",
            f"--name={array.name}", "--metadata", array.metadata,
            "--level", str(array.level), "--raid-devices",
            str(array.members), "--bitmap",
            "internal" if array.bitmap else "none", *options, *self.loops)
        self.open()

    def assemble(self, *slots, options=()):
        """With the members of these slots only, if there are any."""
        if not self.loops:
            self.attach()
        run("mdadm", "--assemble", *options, self.device,
            *(self.loops[slot] for slot in slots or range(len(self.loops))))
        self.open()

    def open(self):
        self.fd = os.open(self.device, os.O_RDWR | os.O_DIRECT)
        size = fcntl.ioctl(self.fd, BLKGETSIZE64, bytes(8))
        self.array.has_size(struct.unpack("<Q", size)[0])

    def stop(self):
        os.close(self.fd)
        # The kernel may be at its metadata for a moment yet.
        wait_until(f"mdadm --stop {self.array}",
                   lambda: "stopped" in mdadm("--stop", self.device))
        self.detach()

    def abandon(self):
        """After a failure: get out of the way of the next array."""
        with contextlib.suppress(OSError):
            os.close(self.fd if self.fd is not None else -1)
        mdadm("--stop", self.device)
        for loop in self.loops:
            with contextlib.suppress(OSError):
                detach(loop)

    # ------------------------------------------------- what md does

    def idle(self):
        """No resync, recovery or check any more."""
        wait_until(f"{self.array}: the end of {self.get('sync_action')}",
                   lambda: self.get("sync_action") == "idle")

    def settle(self):
        """All copies are there and in sync."""
        wait_until(f"{self.array}: in sync", lambda: (
            self.get("sync_action"), self.get("resync_start"),
            self.get("degraded")) == ("idle", "none", "0"))

    def last(self):
        """What it has done last since it has the array: idle, resync,
        recover or check.  Its log says this in words that change."""
        word = self.get("last_sync_action")
        return {"none": "idle", "recovery": "recover"}.get(word, word)

    def expect_last(self, action):
        expect(f"{self.array}: what the kernel did last", self.last(), action)

    def expect_complete(self):
        """All members there, all in sync, nothing was or is to be done."""
        array = self.array
        expect(f"{array}: sync_action", self.get("sync_action"), "idle")
        expect(f"{array}: resync_start", self.get("resync_start"), "none")
        expect(f"{array}: degraded", self.get("degraded"), "0")
        for slot in range(array.members):
            expect(f"{array}: state of slot {slot}",
                   self.get(f"rd{slot}/state"), "in_sync")
        expect(f"{array}: a resync or rebuild by the kernel",
               self.last() in ("resync", "recover"), False)

    def mismatches(self):
        """The kernel compares all copies of everything."""
        self.put("sync_action", "check")
        self.idle()
        self.expect_last("check")
        expect(f"{self.array}: degraded after a check", self.get("degraded"),
               "0")
        return int(self.get("mismatch_cnt"))

    def check(self):
        expect(f"{self.array}: mismatch_cnt", self.mismatches(), 0)

    def compare_bitmaps(self, when):
        """mdadm and nbdmirror about all of them, before they are used."""
        if not self.loops:
            self.attach()
        if self.array.bitmap:
            compare_bitmaps(f"{self.array}, {when}", self.loops)

    # ------------------------------------------------- its data

    def read(self, offset, length):
        buffer = mmap.mmap(-1, length)
        done = os.preadv(self.fd, [buffer], offset)
        expect(f"{self.array}: bytes read at {offset}", done, length)
        return buffer[:]

    def write(self, offset, data, flags=0):
        buffer = mmap.mmap(-1, len(data))
        buffer[:] = data
        done = os.pwritev(self.fd, [buffer], offset, flags)
        expect(f"{self.array}: bytes written at {offset}", done, len(data))

    def fill(self):
        """A new stamp everywhere."""
        total = len(self.array.content.now)
        for first in range(0, total, MIB // SECTOR):
            count = min(MIB // SECTOR, total - first)
            generation = self.array.content.write(first, count)
            self.write(first * SECTOR, stamp(first, [generation] * count))
        os.fsync(self.fd)

    def verify(self, when):
        """Every sector."""
        size = len(self.array.content.now) * SECTOR
        for offset in range(0, size, MIB):
            data = self.read(offset, min(MIB, size - offset))
            self.array.content.compare(f"{self.array}, {when}, read by the "
                                       f"kernel", offset // SECTOR, data)

    def write_sectors(self, first, count, flags=0):
        generation = self.array.content.write(first, count)
        self.write(first * SECTOR, stamp(first, [generation] * count), flags)

    def zero_sectors(self, first, count):
        fcntl.ioctl(self.fd, BLKZEROOUT,
                    struct.pack("<QQ", first * SECTOR, count * SECTOR))
        self.array.content.is_written(first, count, 0)

    def scribble(self, chance, count, within=None):
        """Random writes, some forced to disk, some zeroes; within these
        [(first, count)] only, or everywhere.  Returns where."""
        ranges = within or [(0, len(self.array.content.now))]
        done = []
        for _ in range(count):
            first, length = pick(chance, ranges, 256)
            done.append((first, length))
            kind = chance.randrange(8)
            if kind == 0:
                self.zero_sectors(first, length)
            else:
                self.write_sectors(first, length,
                                   os.RWF_DSYNC if kind == 1 else 0)
        os.fsync(self.fd)
        return done
