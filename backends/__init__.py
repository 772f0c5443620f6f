"""What we call: hypervisors, metrics, payment providers, mail. Each library is imported in one place."""
