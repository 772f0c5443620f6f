"""Numbers, and how they are printed."""

import os
import platform
import statistics
import sys
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(values: Sequence[float]) -> str:
    """Median, 95th percentile and count of durations in seconds, as text in milliseconds."""
    median, p95 = statistics.median(values), percentile(values, 0.95)
    return f"median {median * 1000:8.1f} ms   p95 {p95 * 1000:8.1f} ms   n {len(values)}"


def say(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:<44} {figure}\n")
    sys.stdout.flush()


def say_machine() -> None:
    """What the numbers below were measured on."""
    say(
        "machine",
        f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}",
    )
    say("load before", " ".join(f"{load:.2f}" for load in os.getloadavg()))
