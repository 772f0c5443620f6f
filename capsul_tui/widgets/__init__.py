"""Parts of screens. They take figures and words, and know nothing of services."""
