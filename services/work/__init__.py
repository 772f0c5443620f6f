"""What the worker does: carries out operations, converges topups, sends letters, keeps hosts and rows in agreement."""
