#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Instructions and mutex operations of one 4k request, against the table.

    count.py            compare with tests/count/table.txt
    count.py --write    write today's figures into it (make count)

Counted are the instructions of our own code only (what lies in lib/), while
requests go to members in memory: callgrind says the same for the same binary
on any machine.  Another compiler makes another binary, so the table has lines
for each; without a line for this one, or with other flags than the default
ones, there is nothing to compare with.

Status 0: nothing costs more than 2 % more than the table says, 77: cannot be
counted here, 1: something costs more.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

REQUESTS = 1000
KINDS = [(array, request) for array in ("plain", "md")
         for request in ("read", "write")]
LIMIT = 1.02
HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "table.txt")
HEAD = """\
# What one 4k request costs in our own code: see count-requests.c, count.py.
# "make count" writes the lines of the compiler that it runs with.
#
# compiler       array  request  instructions  mutexes locked  of them shared
"""


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def compiler():
    cc = os.environ.get("CC", "gcc").split()
    version = subprocess.run(cc + ["--version"], text=True, check=True,
                             capture_output=True).stdout
    kind = "clang" if "clang" in version else "gcc"
    number = subprocess.run(cc + ["-dumpversion"], text=True, check=True,
                            capture_output=True).stdout
    return "%s-%s-%s" % (kind, number.strip().split(".")[0], platform.machine())


def is_own(source):
    return re.search(r"(^|/)lib/(ground|logic|legs|engine)/", source)


def own_instructions(profile):
    """The sum over all lines of code that lie in lib/."""
    names = {}
    own = False
    of_call = False
    total = 0
    for line in profile:
        where = re.match(r"(c?f[lie])=(\(\d+\))(?: (.*))?$", line)
        if where:
            # A name is written out where its number comes up first.
            if where[3]:
                names[where[2]] = where[3]
            if not where[1].startswith("c"):
                own = is_own(names[where[2]])
        elif line.startswith("calls="):
            of_call = True
        elif re.match(r"[-+*\d]", line):
            # The line after calls= is what was called, counted where it is.
            if own and not of_call:
                total += int(line.split()[1])
            of_call = False
    return total


def count(program, array, request):
    """Instructions, mutexes locked, shared ones: of one request."""
    with tempfile.TemporaryDirectory() as folder:
        profile = os.path.join(folder, "profile")
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + profile,
             "--toggle-collect=measured", "-q",
             program, array, request, str(REQUESTS)],
            text=True, capture_output=True, stdin=subprocess.DEVNULL)
        if run.returncode != 0:
            sys.exit("%s %s %s failed:\n%s%s" % (program, array, request,
                                                 run.stdout, run.stderr))
        with open(profile) as lines:
            instructions = own_instructions(lines)
    locked, shared = re.search(r"counted: (\S+) (\S+)", run.stdout).groups()
    return round(instructions / REQUESTS), float(locked), float(shared)


def read_table():
    table = {}
    try:
        lines = open(TABLE).read().splitlines()
    except FileNotFoundError:
        lines = []
    for line in lines:
        if line and not line.startswith("#"):
            name, array, request, *figures = line.split()
            table[name, array, request] = tuple(map(float, figures))
    return table


def write_table(table):
    with open(TABLE, "w") as out:
        out.write(HEAD)
        for key in sorted(table):
            out.write("%-16s %-6s %-8s %12d %15.2f %15.2f\n"
                      % (key + table[key]))


def compare(table, name, figures):
    worse = False
    for (array, request), now in figures.items():
        before = table[name, array, request]
        for what, old, new in zip(("instructions", "mutexes", "shared mutexes"),
                                  before, now):
            verdict = ""
            if new > old * LIMIT:
                verdict = "  WORSE"
                worse = True
            elif new < old / LIMIT:
                verdict = "  better: make count puts it into the table"
            print("%-5s %-5s  %-14s  %8.2f, was %8.2f%s"
                  % (array, request, what, new, old, verdict))
    return worse


def main():
    program = os.path.join(os.environ.get("top_builddir", "."),
                           "tests/count/count-requests")
    if not shutil.which("valgrind"):
        skip("valgrind is not installed")
    if not os.access(program, os.X_OK):
        skip("not built: the library check is missing")
    if os.environ.get("CFLAGS", "-g -O2") != "-g -O2":
        skip("built with CFLAGS of its own: " + os.environ["CFLAGS"])
    name = compiler()
    table = read_table()
    writing = sys.argv[1:] == ["--write"]
    if not writing and (name, *KINDS[0]) not in table:
        skip("the table has no figures of " + name)
    figures = {kind: count(program, *kind) for kind in KINDS}
    if writing:
        table.update({(name, *kind): figures[kind] for kind in KINDS})
        write_table(table)
    elif compare(table, name, figures):
        sys.exit("One request costs more than 2 % more than before.  If that "
                 "is the price of something: make count, and say so in the "
                 "commit.")


if __name__ == "__main__":
    main()
