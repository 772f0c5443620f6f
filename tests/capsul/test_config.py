"""One file, variables over it, credentials over both; nothing unknown, no secret shown."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from capsul.config import read_settings

_LEAST = 'public_url = "http://capsul.test"\ndatabase = "postgresql:///capsul"\nhost_keys = "/keys"\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration file of this test, with what must be there."""
    path = tmp_path / "capsul.toml"
    path.write_text(_LEAST)
    monkeypatch.setenv("CAPSUL_CONFIG", str(path))
    return path


def test_the_file_is_enough(file: Path) -> None:
    assert read_settings().public_url == "http://capsul.test"
    assert read_settings().currency == "USD"


def test_a_variable_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSUL_PUBLIC_URL", "http://other.test")
    assert read_settings().public_url == "http://other.test"


def test_a_credential_wins_over_both_and_is_not_shown(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "capsul_smtp_password").write_text("hunter2\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    monkeypatch.setenv("CAPSUL_SMTP_PASSWORD", "old")
    settings = read_settings()
    assert settings.smtp_password is not None
    assert settings.smtp_password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("line", ["sandbx = true", 'currency = "usd"', "ssh_port = 70000", 'virt_type = "xen"'])
def test_what_is_unknown_or_impossible_is_refused(file: Path, line: str) -> None:
    file.write_text(f"{_LEAST}{line}\n")
    with pytest.raises(ValidationError):
        read_settings()


def test_what_must_be_there_is_missed(file: Path) -> None:
    file.write_text("")
    with pytest.raises(ValidationError, match="database"):
        read_settings()


def test_a_member_is_told_the_port_only_when_it_is_not_22(file: Path) -> None:
    assert read_settings().ssh_command == "ssh localhost"
    file.write_text(f'{_LEAST}ssh_port = 2222\nssh_public_host = "capsul.test"\n')
    assert read_settings().ssh_command == "ssh -p 2222 capsul.test"
