from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from corral.cli.completion import candidates
from tests.helpers.scripted_server import Reply
from tests.helpers.terminal import TAB, terminal

MODELS = Reply({"models": [{"name": "llama3.2:1b"}, {"name": "pocket:latest"}]})


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["pu"], ["pull", "push"]),
        (["run", ""], ["a:1", "b:2"]),
        (["run", "a"], ["a:1"]),
        (["run", "a:1", ""], []),
        (["rm", "a:1", "b"], ["b:2"]),
        (["cp", ""], ["a:1", "b:2"]),
        (["run", "--th"], ["--think"]),
        (["create", "-f", ""], []),
        (["create", "m", "--quantize", ""], []),
        (["config", ""], ["show", "path"]),
        (["config", "show", ""], []),
        (["tune", "s"], ["show", "stop"]),
        (["tune", ""], ["ls", "show", "logs", "stop", "resume", "publish", "rm", "a:1", "b:2"]),
        (["tune", "a:1", "--data", ""], []),
        (["help", "serv"], ["serve", "service"]),
        (["--v"], ["--version", "--verbose"]),
        (["nonsense", ""], []),
        ([], None),
    ],
)
def test_words_are_offered_for_their_place(words, values):
    found = [value for value, _ in candidates(words, lambda: ["a:1", "b:2"])]
    assert values is None or found == values
    assert "__complete" not in found


def test_a_key_that_completes_starts_no_server(corral, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    outcome = corral("__complete", "--", "run", "")
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")


def test_every_shell_has_its_script(corral):
    for shell in ("bash", "zsh", "fish"):
        assert "__complete" in corral("completion", shell).out
    assert corral("completion", "csh").status == 1


SET_UP = {
    "bash": (["--norc", "-i"], "source <(corral completion bash)"),
    "zsh": (["-f", "-i"], "autoload -U compinit; compinit -D; source <(corral completion zsh)"),
    "fish": (["--no-config", "-i"], "corral completion fish | source"),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("name", SET_UP)
def test_a_shell_completes_commands_and_models(server, tmp_path, name):
    shell = shutil.which(name) or pytest.skip(f"{name} is not installed")
    server.on("GET", "/api/tags", MODELS)
    arguments, script = SET_UP[name]
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "OLLAMA_HOST": f"127.0.0.1:{server.port}",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    with terminal(shell, *arguments, env=env, cwd=tmp_path) as screen:
        screen.type(script + "; echo re''ady\r")
        screen.wait_for("\nready")
        screen.type("corral sto" + TAB)
        screen.wait_for("corral stop")
        screen.type("llama3.2:" + TAB)
        screen.wait_for("corral stop llama3.2:1b")
