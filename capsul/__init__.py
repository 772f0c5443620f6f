"""The nouns: models, errors, pure rules and configuration. Everyone may import it; it imports nothing of ours."""

VERSION = "0.1.0"
"""Of this release, as in pyproject.toml."""
