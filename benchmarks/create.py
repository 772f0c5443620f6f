"""How long a create takes on QEMU, by step, as a member sees it."""

import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.demo import running_demo
from benchmarks.measure import milliseconds, say, say_machine

ROUNDS = 15


def main() -> None:
    """One at a time; each is destroyed before the next."""
    say_machine()
    steps: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder), "qemu") as member:
        for number in range(ROUNDS):
            name = f"bench-{number}"
            begun = time.perf_counter()
            member.run("create", "--image", "tiny", "--size", "nano", "--name", name)
            steps["row on screen (ssh included)"].append(time.perf_counter() - begun)
            operation = member.run("operations", "--limit", "1")["operations"][0]["id"]
            done = member.run("operation", operation, "--wait")["operation"]
            steps["running (ssh included)"].append(time.perf_counter() - begun)
            for step in done["steps"]:
                steps[f"step: {step['name']}"].append(step["seconds"])
            begun = time.perf_counter()
            subprocess.run(
                [*member.words(), "destroy", name, "--confirm", name, "--wait"], check=True, capture_output=True
            )
            steps["destroyed (ssh included)"].append(time.perf_counter() - begun)
    for name, seconds in steps.items():
        say(name, milliseconds(seconds))


if __name__ == "__main__":
    main()
