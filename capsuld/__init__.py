"""The program: builds everything, starts it, stops it. Nothing imports it."""
