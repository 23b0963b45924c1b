# SPDX-License-Identifier: BSD-3-Clause
"""verdict: what the rounds of a bench say, and the rows of its table.

Each round measures ours and what it is compared with one after the other, so
that both saw the same machine.  A row has the medians of the figures and of the
rounds' own ratios, how far these lie apart, and the target.
"""

import operator
import statistics

COMPARE = {">=": operator.ge, "<=": operator.le}
# Rounds that differ by more than this factor decide nothing.
NOISY = 1.5


def judge(ours, others, target):
    """The cells "ratio", "of the rounds" and "target".

    One figure per round in both; None: a measurement failed.  The target is
    like ">= 0.90", or empty.
    """
    if ours is None or others is None:
        return ["failed", "-", target or "-"]
    ratios = [mine / other for mine, other in zip(ours, others)]
    ratio = statistics.median(ratios)
    cells = [f"{ratio:.2f}", f"{min(ratios):.2f} - {max(ratios):.2f}"]
    if not target:
        return [*cells, "-"]
    sign, bound = target.split()
    if max(ratios) > NOISY * min(ratios):
        verdict = "too noisy"
    elif COMPARE[sign](ratio, float(bound)):
        verdict = "met"
    else:
        verdict = "**missed**"
    return [*cells, f"{target} {verdict}"]


def show(figures):
    if figures is None:
        return "failed"
    value = statistics.median(figures)
    return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"


def row(what, unit, ours, others, target=""):
    cells = [f"{what} ({unit})", show(ours), show(others),
             *judge(ours, others, target)]
    print("| " + " | ".join(cells) + " |")


def begin_table(title):
    print(title)
    print()
    print("| what | ours | against | ratio | of the rounds | target |")
    print("|---|--:|--:|--:|---|---|")
