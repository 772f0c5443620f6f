"""Starts everything that the product needs on one machine, for trying it out and for tests."""
