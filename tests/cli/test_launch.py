from __future__ import annotations

import json
import os
import sys

import pytest

from corral.cli.tools import TOOLS, Target, find_tool
from tests.helpers.scripted_server import Reply

TAGS = Reply({"models": [{"name": "big:latest"}, {"name": "small:latest"}]})
SHOW = Reply(
    {
        "capabilities": ["completion", "tools"],
        "model_info": {"general.architecture": "x", "x.context_length": 40960},
    }
)
TARGET = Target("http://127.0.0.1:1", "m", "secret")


@pytest.fixture
def tools(server, tmp_path, monkeypatch):
    """Every tool is there: a script that prints how it was called."""
    server.on("GET", "/api/tags", TAGS)
    server.on("POST", "/api/show", SHOW)
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool.program).write_text("#!/bin/sh\n")
        (folder / tool.program).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def started(monkeypatch):
    """What was started instead of this process: the command and its environment."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def become(path: str, command: list[str], env: dict[str, str]) -> None:
        found.append((command, env))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", become)
    return found


@pytest.mark.parametrize(
    ("name", "words", "variables"),
    [
        ("claude", ("--model", "m"), {"ANTHROPIC_BASE_URL": TARGET.url, "ANTHROPIC_AUTH_TOKEN": "secret"}),
        ("codex", None, {"OPENAI_API_KEY": "secret"}),
        ("opencode", (), {}),
        ("aider", ("--model", "ollama_chat/m"), {"OLLAMA_API_BASE": TARGET.url}),
        ("open-webui", ("serve",), {"OLLAMA_BASE_URL": TARGET.url, "DEFAULT_MODELS": "m"}),
        ("copilot", (), {"COPILOT_PROVIDER_BASE_URL": f"{TARGET.url}/v1", "COPILOT_MODEL": "m"}),
    ],
)
def test_each_tool_is_pointed_at_our_server(name, words, variables):
    start = find_tool(name).start(TARGET)
    assert words is None or start.words == words
    assert variables.items() <= start.env.items()


def test_codex_gets_its_provider_by_arguments():
    words = find_tool("codex").start(TARGET).words
    assert 'model_providers.corral.base_url="http://127.0.0.1:1/v1"' in words
    assert words[-2:] == ("-m", "m")


def test_opencode_gets_its_provider_as_a_configuration():
    config = json.loads(find_tool("opencode").start(TARGET).env["OPENCODE_CONFIG_CONTENT"])
    assert config["model"] == "corral/m"
    assert config["provider"]["corral"]["options"]["baseURL"] == "http://127.0.0.1:1/v1"


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot become another one there")
def test_a_tool_takes_the_place_of_the_command(tools, started, server, corral, capsys):
    with pytest.raises(SystemExit):
        corral("launch", "claude-code", "--model", "big", "--", "-p", "hi")
    ((command, env),) = started
    assert command == [str(tools / "claude"), "--model", "big", "-p", "hi"]
    assert env["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{server.port}"
    said = capsys.readouterr().err
    assert said.startswith(
        "launching Claude Code with big, by these variables and arguments:\n  ANTHROPIC_BASE_URL=http"
    )
    assert "ANTHROPIC_AUTH_TOKEN=(hidden)" in said
    assert said.endswith("  claude --model big\n")


def test_the_model_of_the_last_time_is_taken_again(tools, corral):
    assert corral("launch", "aider", "--model", "small:latest", "--config").status == 0
    assert corral("launch", "aider", "--config").out.splitlines()[-1] == (
        "aider --model ollama_chat/small:latest"
    )


def test_variables_can_be_printed_for_a_shell(tools, server, corral):
    assert corral("launch", "aider", "--model", "big", "--config", "--", "two words").out == (
        f"export OLLAMA_API_BASE=http://127.0.0.1:{server.port}\n"
        "export OLLAMA_API_KEY=corral\n"
        "aider --model ollama_chat/big 'two words'\n"
    )


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["nope"], "unknown integration: nope\nhint: known are claude, codex"),
        (["--model", "m"], "flags and extra args require an integration name, for example: 'corral launch "),
        (["claude", "more"], "unexpected arguments: [more]\nUse '--' to pass extra arguments to the integ"),
        (["claude", "more", "--", "x"], "expected at most 1 integration name before '--', got 2"),
        (["claude", "--restore", "--config"], "--restore cannot be combined with --model, --config, or "),
        (["claude", "--restore"], "claude does not support --restore"),
        (["claude", "--yes"], "headless --yes launch for claude requires --model <model>"),
        (["claude"], "model selection requires an interactive terminal; use --model to run in headless mode"),
        (["codex", "--model", "big", "--", "-m", "x"], "-m contradicts what is set for Codex"),
    ],
)  # fmt: skip
def test_what_cannot_be_launched_is_told(tools, corral, words, error):
    outcome = corral("launch", *words)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(f"Error: {error}")


def test_a_tool_that_is_not_installed_says_how_to_install_it(corral, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert corral("launch", "aider").err == (
        "Error: Aider is not installed, install with: pip install aider-chat\n"
    )


def test_a_model_that_is_not_there_is_pulled_only_when_told_to(tools, server, corral):
    missing = Reply({"error": "not found"}, 404)
    server.on("POST", "/api/show", missing)
    assert corral("launch", "aider", "--model", "new", "--config").err == (
        "Error: model \"new\" not found; run 'corral pull new' first, or use --yes to auto-pull\n"
    )
    server.on("POST", "/api/show", missing, SHOW)
    server.on("POST", "/api/pull", Reply([{"status": "success"}]))
    assert corral("launch", "aider", "--model", "new", "--config", "--yes").status == 0


def test_a_model_that_is_too_small_is_warned_about(tools, server, corral):
    info = {"general.architecture": "x", "x.context_length": 2048}
    server.on("POST", "/api/show", Reply({"capabilities": [], "model_info": info}))
    said = corral("launch", "aider", "--model", "big", "--config").err
    assert "warning: big reads at most 2048 tokens" in said
    assert "warning: big cannot call tools" in said


def test_the_known_tools_are_listed(tools, corral):
    assert "claude        Claude Code" in corral("launch").out
    listed = json.loads(corral("launch", "--json").out)["tools"]
    assert listed[0] == {"name": "claude", "title": "Claude Code", "path": str(tools / "claude")}


def test_the_help_names_every_tool(corral):
    said = corral("launch", "--help").out
    assert [tool.name for tool in TOOLS if tool.name not in said] == []
