"""The screens: what `ssh host` shows in a terminal. The only importer of textual."""
