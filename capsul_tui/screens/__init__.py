"""One screen a file, named for what the person sees."""
