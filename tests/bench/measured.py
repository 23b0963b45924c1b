# SPDX-License-Identifier: BSD-3-Clause
"""measured: what the benches that look at single writes share: servers, and fio
as a client that notes when each write was answered.

Works in the current folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
MIRROR = os.path.realpath(os.environ.get("MIRROR_SO", "./mirror.so"))
TOOL = os.path.realpath(os.environ.get("NBDMIRROR", "./nbdmirror"))


def run(*words):
    return subprocess.run(words, check=True, text=True, capture_output=True)


def wait_until(done):
    while not done():
        time.sleep(0.01)


class Server:
    """nbdkit, on NAME.sock."""

    def __init__(self, name, *words):
        self.name = name
        for end in "sock", "pid":
            if os.path.exists(f"{name}.{end}"):
                os.remove(f"{name}.{end}")
        with open(name + ".messages", "w") as said:
            self.process = subprocess.Popen(
                ["nbdkit", "-f", "-U", name + ".sock", "-P", name + ".pid",
                 *words], stdin=subprocess.DEVNULL, stderr=said)
        wait_until(lambda: os.path.exists(name + ".pid")
                   or self.process.poll() is not None)
        if self.process.poll() is not None:
            sys.exit("bench: nbdkit does not start")

    def uri(self):
        return f"nbd+unix:///?socket={os.path.abspath(self.name)}.sock"

    def has_said(self, text):
        with open(self.name + ".messages") as said:
            return text in said.read()

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()


class Writer:
    """fio's random writes of 4k in the first @size bytes; each with its time."""

    def __init__(self, server, seconds, size, *options, rate=200):
        self.process = subprocess.Popen(
            ["fio", "--name=bench", "--ioengine=nbd", f"--uri={server.uri()}",
             "--rw=randwrite", "--bs=4k", "--iodepth=1", f"--rate_iops={rate}",
             "--time_based", f"--runtime={seconds}", f"--size={size}",
             "--norandommap", "--write_lat_log=bench", "--log_unix_epoch=1",
             "--output=out", *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def latencies_us(self, since=0):
        """When it has ended: of writes that were answered later than this."""
        self.process.wait()
        with open("bench_clat.1.log") as log:
            entries = [line.split(",") for line in log]
        return sorted(int(entry[1]) / 1000 for entry in entries
                      if int(entry[0]) >= since * 1000)


def percentile(sorted_values, percent):
    return sorted_values[len(sorted_values) * percent // 100]


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            print(f"bench: skipped: {program} is not installed")
            sys.exit(77)


def in_scratch(main):
    """In a folder of its own, which is removed."""
    with tempfile.TemporaryDirectory(prefix="mirror-bench.",
                                     dir=os.environ.get("BENCH_DIR")) as scratch:
        os.chdir(scratch)
        os.environ["XDG_RUNTIME_DIR"] = scratch
        main()
