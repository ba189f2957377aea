from __future__ import annotations

import sys

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from corral.cli.chat.completion import completions
from corral.cli.chat.editing import EditingReader
from corral.cli.chat.editor import edit, editor_command
from corral.cli.chat.history import History
from corral.cli.errors import CommandError


class Desk:
    def completions(self, text: str) -> list[str]:
        return completions(text, lambda: ["llama3.2:1b", "pocket:latest"])

    def last_thinking(self) -> str:
        return "Hm."


def typed(keys: str, history: History) -> str:
    with create_pipe_input() as source:
        source.send_text(keys)
        return EditingReader(history, Desk(), source=source, screen=DummyOutput()).read()


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("hello\r", "hello"),
        ("one\ntwo\r", "one\ntwo"),
        ("\x1b[200~one\ntwo\x1b[201~\r", "one\ntwo"),
        ("a\tb\r", "a        b"),
        ("one two\x17three\r", "one three"),
        ("\x1b[A\r", "earlier"),
        ("/sh\t inf\t\r", "/show info"),
        ("/load p\t\r", "/load pocket:latest"),
        ("/set parameter temp\t 1\r", "/set parameter temperature 1"),
    ],
)
def test_keys_edit_a_message(tmp_path, keys, text):
    history = History(tmp_path / "history")
    history.add("earlier")
    assert typed(keys, history) == text
    assert History(tmp_path / "history").entries[-1] == text


@pytest.mark.parametrize(("key", "error"), [("\x04", EOFError), ("\x03", KeyboardInterrupt)])
def test_control_keys_reach_the_chat(tmp_path, key, error):
    with pytest.raises(error):
        typed(key, History(tmp_path / "history"))


def test_an_editor_gets_the_text_and_gives_it_back(tmp_path):
    script = tmp_path / "editor.py"
    script.write_text("import sys; f = open(sys.argv[1], 'a'); f.write(' world\\n\\n'); f.close()")
    assert edit("hello", [sys.executable, str(script)]) == "hello world"


def test_an_editor_that_is_not_there_is_named():
    with pytest.raises(CommandError) as caught:
        edit("hello", ["no-such-editor"])
    assert caught.value.message == (
        'editor "no-such-editor" not found, set CORRAL_EDITOR to the path of your preferred editor'
    )


@pytest.mark.parametrize(
    ("setting", "env", "command"),
    [
        ("nano -w", {"VISUAL": "x"}, ["nano", "-w"]),
        ("", {"VISUAL": "code --wait", "EDITOR": "ed"}, ["code", "--wait"]),
        ("", {"EDITOR": "ed"}, ["ed"]),
        ("", {}, ["vi"]),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the last resort has another name there")
def test_the_editor_is_the_users_choice(monkeypatch, setting, env, command):
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert editor_command(setting) == command
