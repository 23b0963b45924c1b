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
            match = re.fullmatch(r"([a-z_]+)(" + LABELS + r") (\d+)", line)
            assert match and match.group(1) == now, line
            key = match.group(1), match.group(2)
            assert key not in samples, line
            samples[key] = int(match.group(4))
    return samples


both, one = parse("text"), parse("one")
plain = sys.argv[2]
state = "nbdmirror_array_state"
assert both[state, f'{{array="{plain}",state="optimal"}}'] == 1, both
assert both[state, '{array="a\\"b\\\\c",state="optimal"}'] == 1, both
assert both["nbdmirror_array_legs", f'{{array="{plain}",want="2"}}'] == 2
assert any('x\\"\\\\y.img' in labels for _, labels in both), both
assert {key for key in both if f'array="{plain}"' in key[1]} == set(one)

names = {name for name, _ in both}
for file in "prometheus-rules.yml", "grafana-dashboard.json":
    text = open(f"{sys.argv[1]}/examples/{file}").read()
    asked = set(re.findall(r"\bnbdmirror_[a-z_]+", text))
    assert asked and asked <= names, asked - names
json.loads(text)
END
stop mirror
stop other
