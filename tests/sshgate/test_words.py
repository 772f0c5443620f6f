"""Lines as ssh hands them over: quoting, other programs, hostile strings."""

import json
import time
from collections.abc import Callable

import pytest

from capsul.errors import BadRequest
from sshgate.commands.dispatch import Commands
from sshgate.public_keys import lines_of_words, parse_public_keys
from sshgate.words import foreign_program
from tests.sshgate.conftest import KeyFile, Ssh, run


@pytest.fixture(scope="module")
def commands() -> Commands:
    return Commands()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("lss", 'There is no command "lss". Did you mean "ls"?'),
        ("keys renam x", 'There is no command "keys renam". Did you mean "keys rename"?'),
        ("admin ledgr verify", 'There is no command "admin ledgr". Did you mean "admin ledger"?'),
        ("xyzzy", 'There is no command "xyzzy". All commands: help'),
        ("admin", "admin needs one of: hosts, capsuls"),
        ("--json", "A line needs one of: help"),
        ("create --image tiny", "create needs --size. See: help create"),
        ("create --image tiny --size nano --name", "--name needs a value. See: help create"),
        ("create --image tiny --size nano --user-data /etc/passwd", "--user-data takes a hyphen"),
        ("create --image tiny --size nano --wait=forever", 'Choose from: "running", "ssh"'),
        ("create --image tiny --size nano --nmae x", "Unknown option: --nmae. Did you mean --name?"),
        ("destroy web", "destroy needs --confirm. See: help destroy"),
        ("show", "show needs CAPSUL. See: help show"),
        ("show a b", 'show has no use for "b". See: help show'),
        ("topup", "topup needs AMOUNT. See: help topup"),
        ("topup twenty", "An amount is a positive number"),
        ("topup -5", "An amount is a positive number"),
        ("topup 1e3", "An amount is a positive number"),
        ("ls --limit 0", "--limit takes a number from 1 to 10000"),
        ("ls --limit -3", "--limit takes a number from 1 to 10000"),
        ("ls --limit 99999999999999999999999999", "--limit takes a number from 1 to 10000"),
        ("ls --since yesterday", "--since takes a span"),
        ("admin announcements end first", "An announcement's id is a number"),
        ("admin announcements end 99999999999999999999", "An announcement's id is a number"),
        ("operation o-1 --wait --timeout soon", "--timeout takes seconds"),
        ("operation o-1 --wait --timeout 1e9", "--timeout takes seconds"),
        ("metrics web --range 2d", 'Choose from: "5m"'),
        ("ls --json=yes", "Unknown option: --json"),
        ("__complete x", 'There is no command "__complete"'),
        ("show __complete", 'show has no use for "__complete"'),
        ("'", "A quotation mark is not closed"),
        ('show "web', "A quotation mark is not closed"),
        ("show web\\", "A quotation mark is not closed"),
    ],
)
def test_words_that_make_no_command_get_a_sentence(commands: Commands, line: str, sentence: str) -> None:
    with pytest.raises(BadRequest) as refused:
        commands.find(line)
    assert sentence in refused.value.message
    assert "\n" not in refused.value.message


def test_help_for_what_is_no_command_gets_a_sentence(commands: Commands) -> None:
    with pytest.raises(BadRequest, match='There is no command "me"'):
        commands.manual.find(commands.find("help me").arguments.args)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("new --image tiny --size nano", "create"),
        ("rm web --confirm web", "destroy"),
        ("ps", "ls"),
        ("list", "ls"),
        ("inspect web", "show"),
        ("reboot web", "restart"),
        ("topup 20", "topup"),
        ("topup show t-1", "topup show"),
        ("keys", "keys"),
        ("keys rm SHA256:x", "keys rm"),
        ("admin ledger verify", "admin ledger verify"),
        ("create -h", "help"),
        ("keys add --help", "help"),
        ("--help", "help"),
        ("ls --json", "ls"),
    ],
)
def test_what_fingers_type_is_understood(commands: Commands, line: str, name: str) -> None:
    assert commands.find(line).name == name


def test_trailing_text_is_taken_as_it_comes(commands: Commands) -> None:
    assert commands.find("admin announce how to use -h").name == "help", "it is one wherever it stands"
    assert commands.find("admin announce -- how to use -h").arguments.args == ("how", "to", "use", "-h")
    said = commands.find("admin announce We move on Sunday, at --noon -x; don\\'t worry --json")
    assert said.arguments.args == ("We", "move", "on", "Sunday,", "at", "--noon", "-x;", "don't", "worry")
    assert said.wants_json


def test_wait_alone_means_until_it_runs(commands: Commands) -> None:
    create = "create --image tiny --size nano"
    assert commands.find(f"{create} --wait").arguments.kwargs["wait"] == "running"
    assert commands.find(f"{create} --wait=ssh").arguments.kwargs["wait"] == "ssh"
    assert commands.find(f"{create} --wait --name x").arguments.kwargs["wait"] == "running"
    assert commands.find("start web --wait").arguments.kwargs["wait"] is True


def test_keys_that_ssh_made_one_line_of_are_lines_again() -> None:
    words = ["ssh-ed25519", "AAAA", "me", "on", "laptop", "ssh-rsa", "BBBB", "sk-ssh-ed25519@openssh.com", "CCCC"]
    assert lines_of_words(words).splitlines() == [
        "ssh-ed25519 AAAA me on laptop",
        "ssh-rsa BBBB",
        "sk-ssh-ed25519@openssh.com CCCC",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "ssh-ed25519",
        "ssh-ed25519 not-base64!",
        "ssh-ed25519 AAAA",
        "ssh-dss AAAAB3NzaC1kc3M=",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        'command="x" ssh-ed25519 AAAA',
    ],
)
def test_what_is_no_public_key_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_public_keys(text)


@pytest.mark.parametrize(
    "line",
    [
        "scp -t /tmp",
        "scp -r -p -d -f -- x",
        "/usr/bin/scp -t x",
        "rsync --server -vlogDtpre.iLsfxCIvu . x",
        "/usr/lib/openssh/sftp-server",
        "internal-sftp",
        "git-upload-pack '/x.git'",
        "git-receive-pack 'it''s unbalanced",
        "git upload-pack x",
        "exec sh -c 'kitty \"bootstrap",
        "exec $SHELL -c 'x'".replace("$SHELL", "/bin/bash"),
        "sh -c 'echo VSCODE",
        "bash",
        "bash --login -c bash",
        "powershell",
        "/bin/sh -c 'echo ~ && sleep 0'",
        "env LANG=C /bin/sh -i",
        "python3 -c 'import base64",
        "mosh-server new -s",
        "tmux attach",
    ],
)
def test_other_programs_attempts_are_recognised(line: str) -> None:
    assert foreign_program(line)


@pytest.mark.parametrize("line", ["show scp", "ls", "screenshot", "shell", "bashful", "rsyncer x", "version"])
def test_commands_are_not_taken_for_other_programs(line: str) -> None:
    assert foreign_program(line) is None


@pytest.mark.parametrize("program", ["scp", "scp -O", "sftp", "rsync", "git"])
async def test_copying_and_git_end_with_one_clear_line(ssh: Ssh, program: str) -> None:
    name, *flags = program.split()
    options = [word for word in ssh.command()[3:-3] if word != "-F"]
    where = f"{ssh.user}@127.0.0.1"
    if name in ("scp", "sftp"):
        there = [f"{where}:x", "/tmp/nowhere"] if name == "scp" else [where]
        command = [name, *flags, "-F", "none", *options, "-P", str(ssh.port), *there]
    else:
        # What these programs let ssh run, whether or not they are installed here.
        line = "rsync --server . x" if name == "rsync" else "git-upload-pack 'x.git'"
        command = ssh.command(line)
    answer = await run(*command, stdin=b"", env=ssh.process_environment())
    assert answer.status != 0
    lines = [line for line in answer.err.splitlines() if "only commands can be given" in line]
    assert len(lines) == 1


@pytest.mark.parametrize("line", ["exec sh -c 'kitty stuff", "bash --login -c bash", "sh"])
async def test_editors_and_terminals_that_want_a_shell_get_one_clear_line(ssh: Ssh, line: str) -> None:
    answer = await ssh(line, stdin=b"echo VSCODE\n" * 5000)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert "Use plain ssh" in answer.err


@pytest.mark.parametrize(
    "name",
    [
        "\x1b[31mred",
        "\x9b31mred",
        "[bold]x[/bold]",
        "x" * 300,
        "💥",
        "\u202eevil",
        "-",
        "",
        "c-aaaaaaaaaa",
        "UPPER",
        "two words",
        "$(reboot)",
    ],
)
async def test_a_hostile_name_is_a_bad_name_and_harmless(ssh: Ssh, name: str) -> None:
    quoted = "'" + name.replace("'", "'\\''") + "'"
    answer = await ssh("create", "--image", "tiny", "--size", "nano", f"--name={quoted}", "--json")
    assert answer.status == 3, answer.err
    assert json.loads(answer.err)["error"]["code"] == "bad_name"
    assert all(c.isprintable() or c == "\n" for c in answer.err + answer.out)


@pytest.mark.parametrize("word", ["\x1b]0;owned\x07", "\x9b2J", "a\rb", "\u202egnp", "💥[bold]"])
@pytest.mark.parametrize("as_json", [True, False])
async def test_nothing_a_stranger_types_reaches_the_terminal_as_it_is(ssh: Ssh, word: str, as_json: bool) -> None:
    for line in (f"show '{word}' x", f"'{word}'", f"show '{word}'", f"help '{word}'", f"ls '--{word}'"):
        answer = await ssh(line, *(["--json"] if as_json else []))
        assert answer.status in (2, 4)
        assert all(c.isprintable() or c == "\n" for c in answer.err + answer.out), line


@pytest.mark.parametrize(
    "line",
    [
        "env " + "=" * 30_000,
        "env " + "a=a " * 8_000,
        "exec " + "/" * 30_000,
        "show " + "'x' " * 8_000,
        "x" * 30_000,
        "ls --since " + "9" * 30_000,
        "ls --" + "x" * 30_000,
        "help " + "a " * 10_000,
        "keys add " + "ssh-ed25519 " * 2_500,
        "y" * 40_000,
    ],
)
def test_long_lines_are_refused_fast_and_briefly(commands: Commands, line: str) -> None:
    started = time.process_time()
    said = foreign_program(line)
    if said is None and "keys add" not in line:
        with pytest.raises(BadRequest) as refused:
            commands.manual.find(commands.find(line).arguments.args)
        said = refused.value.message
    assert len(said or "") < 500
    assert time.process_time() - started < 1


async def test_a_key_comment_is_kept_without_its_control_characters(ssh: Ssh, new_key: Callable[..., KeyFile]) -> None:
    line = " ".join(new_key("second").line.split()[:2])
    added = await ssh("keys", "add", "-", stdin=f"{line} \x1b[31mjo\u202e's [b]laptop[/b]\n".encode())
    assert added.status == 0, added.err
    for listing in (await ssh("keys"), await ssh("keys", "--json")):
        assert all(c.isprintable() or c == "\n" for c in listing.out)
        assert "jo 's [b]laptop[/b]" in listing.out


@pytest.mark.parametrize("token", ["-qy___HKVFXsR6pX38w-fSjBWjOggPjD", "--y___HKVFXsR6pX38w-fSjBWjOggPjD", "-"])
def test_a_token_may_begin_with_a_hyphen(commands: Commands, token: str) -> None:
    for line in (f"confirm {token}", f"confirm {token} --json", f"confirm --json {token}"):
        assert commands.find(line).arguments.args == (token,)


async def test_words_that_are_not_utf8_are_refused(ssh: Ssh) -> None:
    for line in (b"show \xff\xfe", b"\xffls", b"show --json \xed\xa0\x80"):
        answer = await run(*ssh.command(), line.decode(errors="surrogateescape"), env=ssh.process_environment())
        assert (answer.status, answer.out) == (2, "")
        assert "That is not UTF-8 text." in answer.err
        assert answer.err.count("\n") == 1
    assert json.loads(answer.err)["error"]["code"] == "usage"
