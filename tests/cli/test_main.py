from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest

from corral.cli.errors import CommandError, NoServer, ServerError, exit_status, guard
from corral.cli.main import program_name
from corral.errors import CorralError, StorageError

LISTED = """
import sys
from corral.cli import main
sys.stdout = open({null!r}, "w")
main(["corral", {words}])
sys.stdout = sys.__stdout__
print("\\n".join(sys.modules))
"""
HEAVY = {
    "asyncio",
    "click",
    "concurrent.futures",
    "email",
    "cryptography",
    "http",
    "httpx",
    "jinja2",
    "logging",
    "msgspec",
    "prompt_toolkit",
    "rich",
    "ssl",
    "starlette",
    "subprocess",
    "tomllib",
    "uvicorn",
    "wcwidth",
    "xllamacpp",
}


def modules_of(words: str, port: int) -> set[str]:
    env = os.environ | {"OLLAMA_HOST": f"127.0.0.1:{port}"}
    code = LISTED.format(null=os.devnull, words=words)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("words", ["'list'", "'ps'", "'--version'", "'show', 'm'", "'rm', 'm'"])
def test_quick_commands_import_nothing_heavy(server, words):
    assert modules_of(words, server.port) & HEAVY == set()


def test_list_imports_only_its_own_part_of_corral(server):
    found = {name for name in modules_of("'list'", server.port) if name.startswith("corral")}
    assert found == {
        "corral",
        "corral.cli",
        "corral.cli.client",
        "corral.cli.commands",
        "corral.cli.commands.list",
        "corral.cli.connect",
        "corral.cli.errors",
        "corral.cli.help",
        "corral.cli.http",
        "corral.cli.invocation",
        "corral.cli.main",
        "corral.cli.output",
        "corral.cli.parse",
        "corral.cli.spec",
        "corral.cli.table",
        "corral.cli.terminal",
        "corral.cli.times",
        "corral.core",
        "corral.core.units",
        "corral.errors",
        "corral.settings",
        "corral.settings.address",
        "corral.settings.duration",
        "corral.settings.kinds",
        "corral.settings.reader",
        "corral.settings.registries",
        "corral.settings.settings",
        "corral.settings.warn",
    }


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (CommandError("no such thing"), 1, "Error: no such thing\n"),
        (StorageError("disk full", hint="remove a model"), 1, "Error: disk full\nhint: remove a model\n"),
        (OSError(errno.EACCES, "Permission denied", "/x"), 1, "Error: permission denied: /x\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_becomes_a_message_and_an_exit_status(capsys, error, status, text):
    def fail() -> int:
        raise error

    assert guard(fail) == status
    assert capsys.readouterr().err == text


@pytest.mark.parametrize("kind", [*CorralError.__subclasses__(), NoServer, ServerError])
def test_every_error_of_ours_has_an_exit_status(kind):
    assert exit_status(kind.__new__(kind)) == 1


def test_ctrl_c_while_the_program_starts_is_no_crash():
    code = """
import sys
from corral.cli import main
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "corral.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
sys.exit(main(["corral", "list"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize(
    ("words", "closed", "status"),
    [("--help", ">&-", 0), ("nope", "2>&-", 1), ("nope", ">&- 2>&-", 1), ("--help", "<&-", 0)],
)
def test_streams_that_were_closed_beforehand_take_nothing_and_break_nothing(words, closed, status):
    command = f"{shlex.quote(sys.executable)} -m corral.cli {words} {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, "Error" in done.stdout) == (status, "", False)


def test_a_reader_who_goes_away_is_no_crash(server):
    code = "import sys; from corral.cli import main; sys.exit(main(['corral', '--help']))"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as output:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=output, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/usr/bin/corral", "corral"),
        ("ollama", "ollama"),
        ("C:\\x\\ollama.exe", "ollama"),
        ("/x/corral/cli/__main__.py", "corral"),
        ("", "corral"),
    ],
)
def test_messages_use_the_name_we_were_called_by(path, name):
    assert program_name(path) == name


def test_serve_makes_a_key_and_then_serves(corral, monkeypatch, tmp_path):
    served: list[object] = []
    monkeypatch.setitem(sys.modules, "corral.server", SimpleNamespace(run=served.append))
    first, second = corral("serve"), corral("serve")
    public = (tmp_path / ".ollama" / "id_ed25519.pub").read_text().strip()
    assert first.out == (
        f"Couldn't find '{tmp_path}/.ollama/id_ed25519'. Generating new private key.\n"
        f"Your new public key is: \n\n{public}\n\n"
    )
    assert (second.out, len(served)) == ("", 2)
