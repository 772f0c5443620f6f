"""`python -m capsuld` is `capsul`."""

from capsuld.cli import main

main()
