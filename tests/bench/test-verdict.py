#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A bench says met, missed and too noisy where it should: the median of the
rounds' own ratios decides, unless these lie too far apart."""

from verdict import judge, show

EXPECTED = [
    # 1.5 of the medians.
    ([100, 150, 300], [100, 100, 250], ">= 1.30",
     ["1.20", "1.00 - 1.50", ">= 1.30 **missed**"]),
    ([90, 100, 110], [100, 100, 100], ">= 1.00",
     ["1.00", "0.90 - 1.10", ">= 1.00 met"]),
    ([90, 99, 110], [100, 100, 100], ">= 1.00",
     ["0.99", "0.90 - 1.10", ">= 1.00 **missed**"]),
    ([90, 101, 110], [100, 100, 100], "<= 1.00",
     ["1.01", "0.90 - 1.10", "<= 1.00 **missed**"]),
    ([100, 120, 150], [100, 100, 100], ">= 1.00",
     ["1.20", "1.00 - 1.50", ">= 1.00 met"]),
    ([100, 120, 151], [100, 100, 100], ">= 1.00",
     ["1.20", "1.00 - 1.51", ">= 1.00 too noisy"]),
    ([100, 120, 151], [100, 100, 100], "", ["1.20", "1.00 - 1.51", "-"]),
    # The machine was twice as fast in one round, for both.
    ([100, 200, 100], [100, 200, 100], ">= 1.00",
     ["1.00", "1.00 - 1.00", ">= 1.00 met"]),
    (None, [1], ">= 1.00", ["failed", "-", ">= 1.00"]),
    ([1], None, "", ["failed", "-", "-"]),
]

for ours, others, target, cells in EXPECTED:
    found = judge(ours, others, target)
    assert found == cells, (ours, others, target, found, cells)
assert show([3, 1234567, 1500]) == "1500", show([3, 1234567, 1500])
assert show([5.67891]) == "5.679"
assert show(None) == "failed"
