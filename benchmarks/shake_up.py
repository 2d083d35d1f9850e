"""How often is a shake-up called more than chance where it is chance? On the shipped metrics.

    python benchmarks/shake_up.py [DRAWS]

A draw is two parts of independent groups and submissions whose errors have the same distribution
(those of `equal_submissions.py`), so that all are equally good: the hardest case. Then submissions
that differ, by normal values: their true scores spread by so many standard errors of a difference.
At last those of whom every third gains two such errors on the public part alone.
"""

from __future__ import annotations

import sys

import numpy as np
from equal_submissions import cases, influences

from podium.scoring import tiers

DRAWS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
GROUPS = 30, 150
SPREADS = 0.0, 0.5, 1.0, 2.0, 5.0
SUBMISSIONS = 5, 20, 100
FITTED = 2.0


def called(draw):
    """Share of draws whose p is at most .05, in percent."""
    rng = np.random.default_rng(0)
    found = [tiers.shake_up(*draw(rng)).p <= 0.05 for _ in range(DRAWS)]
    return f"{100 * np.mean(found):6.1f}"


def part(rng, real, groups):
    noise = rng.normal(size=groups) + rng.normal(size=(len(real), groups))
    values = real[:, None] + noise
    scores = values.mean(axis=1)
    return scores, values - scores[:, None]


def normal(count, spread, groups, fitted=0.0):
    def draw(rng):
        error = np.sqrt(2 / groups)
        real = spread * error * rng.normal(size=count)
        gain = fitted * error * (np.arange(count) % 3 == 0)
        return part(rng, real + gain, groups), part(rng, real, groups)

    return draw


def main():
    print("20 equal submissions, shipped metrics: groups a part, called more than chance, %")
    for case, _ in cases():
        for groups in GROUPS:

            def draw(rng, case=case, groups=groups):
                return tuple(influences(case, case.draw(rng, groups, False)) for _ in range(2))

            print(f"{case.title:26}{groups:5}{called(draw)}", flush=True)
    print("\nnormal noise, 60 groups a part: spread of the true scores in errors of a difference")
    print(
        f"{'submissions':>12}"
        + "".join(f"{spread:6.1f}" for spread in SPREADS)
        + "  fitted, at 1.0"
    )
    for count in SUBMISSIONS:
        cells = "".join(called(normal(count, spread, 60)) for spread in SPREADS)
        print(f"{count:12}{cells}{called(normal(count, 1.0, 60, FITTED)):>10}", flush=True)


if __name__ == "__main__":
    main()
