"""The screens that only an operator's key opens. They look different, so that nobody forgets where they are."""
