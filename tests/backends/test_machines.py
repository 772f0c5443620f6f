"""A capsul that does not fit cannot even be described."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsul.machines import FILE_NAME, CapsulSpec

PLAIN = CapsulSpec(
    uuid=uuid.uuid4(),
    capsul_id="c-abcdefgh23",
    account_id=uuid.uuid4(),
    installation_id=uuid.uuid4(),
    epoch=0,
    size_id="f1-xs",
    vcpus=1,
    memory_mib=512,
    disk_gib=25,
    image="debian-12.qcow2",
    mac="52:54:00:12:34:56",
    addresses=("192.0.2.1", "2001:db8::1"),
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("capsul_id", "c-ABCDEFGH23"),
        ("capsul_id", "c-abcdefgh23\n"),
        ("capsul_id", "../c-abcdefgh"),
        ("epoch", -1),
        ("size_id", ""),
        ("size_id", "f1\x00xs"),
        ("size_id", "f1\x1b[31m"),
        ("size_id", "f1\u202exs"),
        ("vcpus", 0),
        ("memory_mib", -512),
        ("disk_gib", 0),
        ("image", ""),
        ("image", ".."),
        ("image", ".hidden"),
        ("image", "../../etc/shadow"),
        ("image", "a/b"),
        ("image", "a\x00b"),
        ("image", "<x/>"),
        ("image", "a" * 129),
        ("mac", "52:54:00:12:34"),
        ("mac", "53:54:00:12:34:56"),
        ("mac", "52:54:00:12:34:5G"),
        ("addresses", ("192.0.2.1'/>",)),
        ("addresses", ("fe80::1%<script>",)),
        ("addresses", ("2001:DB8::1",)),
    ],
)
def test_what_does_not_fit_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        replace(PLAIN, **{field: value})  # type: ignore[arg-type]  # the point is to try what the types forbid


@given(st.text())
def test_an_image_that_fits_is_one_plain_file_name(name: str) -> None:
    if FILE_NAME.fullmatch(name):
        assert replace(PLAIN, image=name).image.isascii()
        assert "/" not in name
        assert not name.startswith(".")
    else:
        with pytest.raises(ValueError, match="image"):
            replace(PLAIN, image=name)
