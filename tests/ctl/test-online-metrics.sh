#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror metrics is text as Prometheus reads it, of all arrays together,
# whatever they are called; and the example alerts and dashboard ask for
# metrics that there are.

. "$(dirname "$0")/online-functions.sh"

md_array '--name=a"b\c' a.img b.img
serve mirror "$MIRROR_SO" a.img b.img
disk 1M 'x"\y.img' z.img
serve other "$MIRROR_SO" 'x"\y.img' z.img
controlled mirror
controlled other
python <<'END'
from nbdtest import *

h = connect("other")
for i in range(8):
    h.pwrite(b"1" * 4096, i << 12)
h.shutdown()
END
client "$NBDMIRROR" metrics | tee text
client "$NBDMIRROR" metrics --textfile file
client "$NBDMIRROR" metrics --textfile ./one "$(cat other.pid)"
diff <(grep -v in_flight text) <(grep -v in_flight file)
! client "$NBDMIRROR" metrics --textfile no/where

python "$server_dir/../.." "$(cat other.pid)" <<'END'
import json
import re
import sys

LABELS = r'\{([a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*\}'


def parse(path):
    """{(metric, labels): value}, of a proper exposition."""
    samples, typed, now = {}, {}, None
    for line in open(path):
        line = line.rstrip("\n")
        if line.startswith("# HELP "):
            now = line.split()[2]
            assert now not in typed, f"{now} twice"
            typed[now] = None
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name == now and typed[now] is None, line
            typed[now] = kind
            assert (kind == "counter") == name.endswith("_total"), line
        else:
            match = re.fullmatch(r"([a-z_]+)(" + LABELS + r") ([0-9.e+-]+)",
                                 line)
            name = re.sub("_(bucket|sum|count)$", "", match.group(1)) \
                if typed[now] == "histogram" else match.group(1)
            assert name == now, line
            key = match.group(1), match.group(2)
            assert key not in samples, line
            samples[key] = float(match.group(4))
    return samples


def check_histogram(samples, labels):
    """Cumulative, and all of it is in +Inf; its sum lies in between."""
    base, last, before, least, most = "nbdmirror_leg_request_seconds", 0, 0, 0, 0
    bounds = []
    for name, where in samples:
        if name == base + "_bucket" and where.startswith("{" + labels + ",le="):
            bound = float(re.search(r'le="([^"]*)"', where)[1].replace("+Inf", "inf"))
            count = samples[name, where]
            assert bound > last and count >= before, where
            least += (count - before) * (last / 4)
            most += (count - before) * bound if count > before else 0
            last, before = bound, count
            bounds.append(where)
    assert last == float("inf") and len(bounds) == 15, bounds
    assert samples[base + "_count", "{" + labels + "}"] == before
    total = samples[base + "_sum", "{" + labels + "}"]
    assert least <= total <= most or before == 0, (least, total, most)
    return before


both, one = parse("text"), parse("one")
plain = sys.argv[2]
state = "nbdmirror_array_state"
assert both[state, f'{{array="{plain}",state="optimal"}}'] == 1, both
assert both[state, '{array="a\\"b\\\\c",state="optimal"}'] == 1, both
assert both["nbdmirror_array_legs", f'{{array="{plain}",want="2"}}'] == 2
assert any('x\\"\\\\y.img' in labels for _, labels in both), both
assert {key for key in both if f'array="{plain}"' in key[1]} == set(one)

for op in "read", "write", "flush":
    for leg in 0, 1:
        count = check_histogram(
            one, f'array="{plain}",leg="{leg}",id="{leg + 1}",op="{op}"')
        assert (count > 0) == (op == "write"), (op, leg, count)

names = {re.sub("_(sum|count)$", "", name) for name, _ in both}
for file in "prometheus-rules.yml", "grafana-dashboard.json":
    text = open(f"{sys.argv[1]}/examples/{file}").read()
    asked = set(re.findall(r"\bnbdmirror_[a-z_]+", text))
    assert asked and asked <= names, asked - names
json.loads(text)
END
stop mirror
stop other
