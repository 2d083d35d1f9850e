"""CPU seconds of tests, by file, and the dearest ones: `PYTHONPATH=tests pytest -p costs ...`.

They are those of the tests' own process and of what it started and waited for. Models' processes,
which a server forks, are not seen. What a fixture shares is counted where it was made.
"""

import os
from collections import Counter

import pytest

DEAREST = 40


def spent():
    """CPU seconds so far."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Clock:
    """What was spent when the phase before ended."""

    last = 0.0


def pytest_collection_finish():
    Clock.last = spent()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    now = spent()
    report.cpu, Clock.last = now - Clock.last, now  # xdist carries it to the process that prints
    return report


def pytest_terminal_summary(terminalreporter):
    tests, files = Counter(), Counter()
    for report in (report for kind in terminalreporter.stats.values() for report in kind):
        cpu = getattr(report, "cpu", 0.0)
        tests[report.nodeid] += cpu
        files[report.nodeid.partition("::")[0]] += cpu
    terminalreporter.section(f"CPU seconds: {files.total():.0f} in all")
    for name, cpu in [*files.most_common(), *tests.most_common(DEAREST)]:
        terminalreporter.line(f"{cpu:7.1f} {name}")
