"""The nouns: models, errors, pure rules and configuration. Everyone may import it; it imports nothing of ours."""
