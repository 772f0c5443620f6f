"""The server's own key: made once, kept, and never replaced by a new one behind anybody's back."""

import os
import tempfile
from pathlib import Path

import asyncssh

_PRIVATE = "ssh_host_ed25519_key"
_PUBLIC = f"{_PRIVATE}.pub"


class HostKeyError(Exception):
    """The host key is not as it must be. The message says what to do; nothing was changed."""


def load_host_key(folder: Path) -> asyncssh.SSHKey:
    """The private key in `folder`; folder and key are made when neither key file is there yet.

    Several processes may ask at once: one makes the key, all get the same.

    Raises:
        HostKeyError: a key is there but missing its private half, unreadable, open to others, or not a pair.
    """
    private, public = folder / _PRIVATE, folder / _PUBLIC
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In this order: another process may be making the pair right now, the private half first.
        had_public = public.exists()
        if not private.exists():
            if had_public:
                raise HostKeyError(
                    f"{public} is there but {private} is missing: restore it from a backup. If it is lost for good, "
                    f"remove {public} too; every member will then be warned that the server's key has changed."
                )
            _make(private)
        key = _read(private)
        _check_or_write_public(key, public)
    except OSError as error:
        raise HostKeyError(f"The host keys in {folder} cannot be used: {error}.") from error
    return key


def _make(private: Path) -> None:
    """A new key, under its final name in one step, unless somebody else was faster."""
    unfinished = _write_beside(private, asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    try:
        os.link(unfinished, private)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()


def _write_beside(final: Path, content: bytes) -> Path:
    """A whole file of mode 0600 with another name in the same folder, safely on the disk."""
    descriptor, name = tempfile.mkstemp(dir=final.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _read(private: Path) -> asyncssh.SSHKey:
    if private.stat().st_mode & 0o077:
        raise HostKeyError(f"{private} can be read by others: chmod 600 {private}")
    try:
        return asyncssh.read_private_key(private)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise HostKeyError(
            f"{private} is not a private key that can be read ({error}): restore it from a backup. "
            f"A new one is never made in its place."
        ) from error


def _check_or_write_public(key: asyncssh.SSHKey, public: Path) -> None:
    """The public half lies beside it for whoever shows fingerprints."""
    line = key.export_public_key().decode().strip()
    if not public.exists():
        unfinished = _write_beside(public, f"{line}\n".encode())
        unfinished.chmod(0o644)
        unfinished.replace(public)
    elif public.read_text(encoding="ascii", errors="replace").split()[:2] != line.split()[:2]:
        raise HostKeyError(f"{public} does not belong to the private key beside it: restore the pair from a backup.")
