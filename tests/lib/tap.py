# SPDX-License-Identifier: GPL-2.0
"""Test points in the Test Anything Protocol, for tests in Python."""
import os
import sys
import time
import traceback

points = 0
names = []
failures = 0
started = time.monotonic()


def point(good, name, *diagnostics):
    """Say whether NAME is so, and if not, what was there instead."""
    global points, failures, started
    now = time.monotonic()
    points += 1
    names.append(name)
    print(f"{'ok' if good else 'not ok'} {points} - {name} ({now - started:.1f} s)", flush=True)
    started = now
    if not good:
        failures += 1
        for line in "\n".join(str(text) for text in diagnostics).splitlines():
            print("#", line, flush=True)
    return good


def equal(name, got, wanted):
    return point(got == wanted, name, f"got:    {got}", f"wanted: {wanted}")


def skip(name, why):
    """Say that NAME is not looked at here, and why."""
    global points, started
    points += 1
    started = time.monotonic()
    print(f"ok {points} - {name} # SKIP {why}", flush=True)


def lacking(name):
    """What this kernel has not got. Only kernels built for tests may do without."""
    kernel = os.environ.get("KERNEL", "")
    if kernel in ("fast", "debug"):
        skip(name, f"kernel {kernel} has none")
    else:
        point(False, name, f"kernel {kernel} should have it")


def wait_for(seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def run(*tests):
    """Run the tests; one that dies is a failed point. Print the plan and exit."""
    for test in tests:
        try:
            test()
        except Exception:
            point(False, f"{test.__name__} got to its end", traceback.format_exc())
    print(f"1..{points}", flush=True)
    sys.exit(1 if failures else 0)
