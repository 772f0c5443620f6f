"""Everything we use of asyncssh that its documentation does not promise. tests/sshgate/test_undocumented.py pins it."""

from collections.abc import Awaitable, Callable

import asyncssh
from asyncssh.packet import PacketDecodeError, SSHPacket

from sshgate.algorithms import SIGNATURES

_SIGNATURES = frozenset(name.encode() for name in SIGNATURES)


def ask_about_proofs(connection: asyncssh.SSHServerConnection, decide: Callable[[bytes], Awaitable[bool]]) -> None:
    """From now on `decide` has the last word about each key that the client has proved, given as its public blob.

    A key it says no to is answered as a partial success: it counts, and the client goes on with its next one. The
    documented hook, `SSHServer.validate_public_key`, is asked for keys that are merely shown too, and never learns
    which of them was proved; here the key and the proof come from one and the same request.
    """
    check = connection.validate_public_key

    async def validate(username: str, key_data: bytes, msg: bytes, signature: bytes) -> bool:
        if msg and not _is_allowed(signature):
            return False
        if not await check(username, key_data, msg, signature):
            return False
        if not msg or await decide(key_data):
            return True
        # This ends the request, so that the failure which follows from False is not sent.
        connection.send_userauth_failure(partial_success=True)
        return False

    connection.validate_public_key = validate  # type: ignore[method-assign]  # nothing is offered in between


def _is_allowed(signature: bytes) -> bool:
    """asyncssh verifies SHA-1 signatures whatever it was told to announce."""
    try:
        return SSHPacket(signature).get_string() in _SIGNATURES
    except PacketDecodeError:
        return False


def ask_about_environment(channel: "asyncssh.SSHServerChannel[bytes]", accept: Callable[[str, str], bool]) -> None:
    """From now on `accept` decides about each variable the client sets; asyncssh would keep any number of any size."""

    def process(packet: SSHPacket) -> bool:
        name, value = packet.get_string(), packet.get_string()
        packet.check_end()
        return accept(name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))

    channel._process_env_request = process  # type: ignore[method-assign]  # found by this name when it arrives


def take_any_bytes_as_command(channel: "asyncssh.SSHServerChannel[bytes]") -> None:
    """From now on `exec_requested` is asked about every command line; what is no UTF-8 in it is a lone surrogate.

    asyncssh would refuse such a line without asking, and all the client could say is that something failed.
    """

    def process(packet: SSHPacket) -> bool:
        line = packet.get_string()
        packet.check_end()
        return channel._start_session(command=line.decode("utf-8", "surrogateescape"))

    channel._process_exec_request = process  # type: ignore[method-assign]  # found by this name when it arrives


def rsa_bits(key: asyncssh.SSHKey) -> int:
    """The length of an RSA key's modulus."""
    packet = SSHPacket(key.public_data)
    packet.get_string()
    packet.get_mpint()
    return packet.get_mpint().bit_length()
