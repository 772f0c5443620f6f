"""Screens as text files beside the tests that drew them: a change is read in a diff as it looks."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class TextSnapshots(SingleFileSnapshotExtension):
    """One `.txt` for each snapshot. Blanks at the ends of lines are no part of it: nobody sees them."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"

    def serialize(self, data: object, **_: object) -> str:
        """The lines that are seen."""
        return "".join(f"{line.rstrip()}\n" for line in str(data).splitlines())


@pytest.fixture
def text_snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """`assert text == text_snapshot`; written anew by `pytest --snapshot-update`."""
    return snapshot.use_extension(TextSnapshots)
