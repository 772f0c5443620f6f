"""Where the numbers in docs/performance.md come from. `python -m benchmarks.NAME` prints one table."""
