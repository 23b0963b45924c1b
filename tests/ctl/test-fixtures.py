#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Members that Linux made: nbdmirror sees what is there, says what mdadm
says, and comes to the verdict of the manifest."""

import json
import lzma
import os
import sys
import tempfile

import tool
from tool import expect, expect_lines, run

FIXTURES = os.path.join(tool.TOP, "tests/fixtures/md")


def read(path):
    with open(os.path.join(FIXTURES, path)) as stream:
        return stream.read()


def check_fields(folder, member):
    name = f"m{member['member']}.img"
    what = f"{member['fixture']}/{name}"
    status, text = run(folder, "--json", "examine", name)
    seen = json.loads(text)["members"][0]
    array = seen["array"]
    reshape = member["open"] == "refuse"
    expect(what + " status", status, 1 if reshape else 0)
    expect(what + " verdict", seen["verdict"],
           "unsupported" if reshape else "ok")
    expect(what + " level", array["level"], f"raid{member['level']}")
    for ours, theirs in (("metadata", "metadata"),
                         ("dev_number", "dev_number"),
                         ("feature_map", "feature_map"),
                         ("events", "events"),
                         ("resync_offset_sectors", "resync_offset"),
                         ("recovery_offset_sectors", "recovery_offset"),
                         ("data_offset_sectors", "data_offset"),
                         ("disk_size", "member_bytes")):
        expect(f"{what} {ours}", seen[ours], member[theirs])
    for ours, theirs in (("layout_word", "layout"), ("chunk", "chunk_bytes"),
                         ("members", "raid_disks")):
        expect(f"{what} {ours}", array[ours], member[theirs])
    if not reshape:
        expect(what + " size", array["size"], member["array_bytes"])
    role = member["role"]
    expect(what + " role", seen["role"].split()[-1], str(role))
    expect(what + " bad blocks", seen["bad_blocks_sectors"],
           merged(member["bad_blocks"]))
    bits = member["bitmap_set_bits"]
    expect(what + " bitmap", seen["bitmap"] and seen["bitmap"]["dirty"],
           None if bits is None else len(bits))


def merged(ranges):
    result = []
    for start, length in sorted(ranges):
        if result and start <= sum(result[-1]):
            result[-1][1] = max(sum(result[-1]), start + length) \
                - result[-1][0]
        else:
            result.append([start, length])
    return result


def check_mdadm(folder, member):
    name = f"m{member['member']}.img"
    what = f"{member['fixture']}/{name}"
    text = run(folder, "examine", "--mdadm", name)[1]
    if member["bad_blocks"]:
        text += "\n" + run(folder, "examine", "--mdadm", "--badblocks",
                           name)[1]
    expect_lines(what + " --examine", text, read(member["examine"]))
    if member["bitmap"]:
        text = run(folder, "examine", "--mdadm", "--bitmap", name)[1]
        expect_lines(what + " --examine-bitmap", text,
                     read(member["bitmap"]))


def check_verdict(folder, fixture, members):
    disks = [f"m{m['member']}.img" for m in members]
    status, text = run(folder, "--json", "assemble", "--dry-run", *disks)
    seen = json.loads(text)
    wanted = members[0]["open"]
    if wanted == "refuse":
        expect(fixture + " result", seen["result"], "refused")
        expect(fixture + " status", status, 1)
        return
    array = seen["array"]
    expect(fixture + " result", seen["result"], "start")
    expect(fixture + " size", array["size"], members[0]["array_bytes"])
    expect(fixture + " needs_resync", array["needs_resync"],
           wanted == "needs-resync")
    expect(fixture + " recovering", array["recovering"],
           wanted == "needs-recovery")
    bad = any(m["bad_blocks"] for m in members)
    stale = [m["state"] for m in seen["members"]
             if m["state"].startswith("stale")]
    replaced = "replacement" in [m["state"] for m in seen["members"]]
    expect(fixture + " why_readonly", seen["why_readonly"], None)
    expect(fixture + " status", status,
           8 if bad else
           5 if stale or (wanted != "rw" and not replaced) else 0)
    expect(fixture + " stale", stale,
           ["stale-bitmap"] if fixture == "raid1-1.1-degraded-stale" else [])


    rebuilt = [m["rebuild_bytes"] for m in seen["members"]
               if m.get("rebuild_bytes") is not None]
    expect(fixture + " rebuild_bytes", rebuilt, REBUILT.get(fixture, []))


# Bits that are set, or what is above recovery_offset.
REBUILT = {"raid1-1.1-degraded-stale": [5 * 65536],
           "raid1-1.2-bitmap-recovering": [22 * 65536],
           "raid1-1.2-recovering": [3014656],
           "raid1-1.2-replacing": [4063232]}


def main():
    fixtures = {}
    for line in read("manifest.jsonl").splitlines():
        member = json.loads(line)
        fixtures.setdefault(member["fixture"], []).append(member)
    with tempfile.TemporaryDirectory() as scratch:
        for fixture, members in fixtures.items():
            folder = os.path.join(scratch, fixture)
            os.mkdir(folder)
            for member in members:
                path = os.path.join(folder, f"m{member['member']}.img")
                with lzma.open(os.path.join(FIXTURES, member["file"])) as xz, \
                        open(path, "wb") as image:
                    image.write(xz.read())
            for member in members:
                check_fields(folder, member)
                check_mdadm(folder, member)
            check_verdict(folder, fixture, members)
        # This test can fail: a wrong manifest is found out.
        before = tool.failures
        wrong = dict(fixtures["raid1-1.0"][0], events=18)
        print("what follows is planted:")
        check_fields(os.path.join(scratch, "raid1-1.0"), wrong)
        if tool.failures != before + 1:
            sys.exit("the checker is broken")
    print(f"{sum(map(len, fixtures.values()))} members, {before} differences")
    return 1 if before else 0


if __name__ == "__main__":
    sys.exit(main())
