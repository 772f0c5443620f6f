"""The server's own key is made once and never replaced in silence."""

import asyncio
import subprocess
from pathlib import Path

import asyncssh
import pytest

from sshgate.host_keys import HostKeyError, load_host_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "not" / "yet" / "there"


@pytest.fixture
def private(folder: Path) -> Path:
    return folder / "ssh_host_ed25519_key"


@pytest.fixture
def public(folder: Path) -> Path:
    return folder / "ssh_host_ed25519_key.pub"


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(folder: Path, private: Path, public: Path) -> None:
    key = load_host_key(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private.stat().st_mode & 0o777 == 0o600
    assert public.stat().st_mode & 0o777 == 0o644
    assert asyncssh.read_public_key(public).get_fingerprint() == key.get_fingerprint()
    assert sorted(path.name for path in folder.iterdir()) == [private.name, public.name]


def test_later_starts_use_the_same_key(folder: Path) -> None:
    assert load_host_key(folder).get_fingerprint() == load_host_key(folder).get_fingerprint()


async def test_processes_that_start_together_agree_on_one_key(folder: Path) -> None:
    keys = await asyncio.gather(*(asyncio.to_thread(load_host_key, folder) for _ in range(8)))
    assert len({key.get_fingerprint() for key in keys}) == 1


def test_a_lost_private_key_refuses_to_start(folder: Path, private: Path, public: Path) -> None:
    load_host_key(folder)
    before = public.read_text()
    private.unlink()
    with pytest.raises(HostKeyError, match="is missing: restore it from a backup"):
        load_host_key(folder)
    assert not private.exists()
    assert public.read_text() == before


@pytest.mark.parametrize("content", ["", "not a key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_damaged_private_key_refuses_to_start_and_is_left_alone(folder: Path, private: Path, content: str) -> None:
    load_host_key(folder)
    private.write_text(content)
    with pytest.raises(HostKeyError, match="never made in its place"):
        load_host_key(folder)
    assert private.read_text() == content


def test_an_encrypted_private_key_refuses_to_start(folder: Path, private: Path) -> None:
    load_host_key(folder)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(private)], check=True)
    with pytest.raises(HostKeyError, match="never made in its place"):
        load_host_key(folder)


def test_a_private_key_that_others_can_read_refuses_to_start(folder: Path, private: Path) -> None:
    load_host_key(folder)
    private.chmod(0o640)
    with pytest.raises(HostKeyError, match="chmod 600"):
        load_host_key(folder)


def test_halves_of_different_pairs_refuse_to_start(folder: Path, public: Path) -> None:
    load_host_key(folder)
    asyncssh.generate_private_key("ssh-ed25519").write_public_key(public)
    with pytest.raises(HostKeyError, match="does not belong"):
        load_host_key(folder)


def test_a_missing_public_half_is_written_anew(folder: Path, public: Path) -> None:
    key = load_host_key(folder)
    public.unlink()
    assert load_host_key(folder).get_fingerprint() == key.get_fingerprint()
    assert asyncssh.read_public_key(public).get_fingerprint() == key.get_fingerprint()


def test_a_file_where_the_folder_should_be_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostKeyError, match="cannot be used"):
        load_host_key(tmp_path / "file")
