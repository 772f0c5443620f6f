"""The web door: mailed links, payment pages, health. Nothing else."""
