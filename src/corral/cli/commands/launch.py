"""`launch TOOL`: start a coding agent or another program against our server. Source: cli.md section 24."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping

from corral.cli.ask import can_ask, choose, confirm
from corral.cli.client import Client
from corral.cli.commands.pull import pull
from corral.cli.connect import client_host
from corral.cli.errors import CommandError, ServerError
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.state import State
from corral.cli.table import print_table
from corral.cli.tools import TOOLS, Start, Target, Tool, find_tool
from corral.settings import Address

_GOOD_CONTEXT = 16_384  # tokens; with less, an agent's own instructions leave no room for work
_SECRET = ("KEY", "TOKEN")


def run(call: Invocation) -> int:
    _check(call)
    if not call.args and (call.is_set("json") or not can_ask()):
        _list(call)
        return 0
    tool = _chosen_tool(call)
    program = shutil.which(tool.program)
    if program is None and not call.is_set("config"):
        raise CommandError(f"{tool.title} is not installed, install with: {tool.install}")
    _check_extra(tool, call.extra)
    client = call.client()
    state = State(call.settings.home / "launch.json")
    model = _chosen_model(call, client, tool, state)
    _check_model(call, client, model)
    state.keep(tool.name, model)
    start = tool.start(_target(call, model))
    words = [*start.words, *call.extra]
    if call.is_set("config") or program is None:
        _print_shell([tool.program, *words], start.env)
        return 0
    _announce(tool, model, start)
    return _become([program, *words], {**os.environ, **start.env})


def _check(call: Invocation) -> None:
    if call.is_set("restore"):
        if call.text("model") or call.is_set("config") or call.extra:
            raise CommandError("--restore cannot be combined with --model, --config, or extra args")
        name = call.args[0] if call.args else "launch"
        raise CommandError(f"{name} does not support --restore: its own files are never changed")
    if not call.args and (call.text("model") or call.is_set("config") or call.extra):
        example = f"'{call.program} launch claude --model qwen3.5'"
        raise CommandError(f"flags and extra args require an integration name, for example: {example}")
    if len(call.args) > 1:
        if call.extra:
            number = len(call.args)
            raise CommandError(f"expected at most 1 integration name before '--', got {number}")
        words = " ".join(call.args[1:])
        hint = "Use '--' to pass extra arguments to the integration"
        raise CommandError(f"unexpected arguments: [{words}]\n{hint}")


def _list(call: Invocation) -> None:
    rows = [(tool, shutil.which(tool.program)) for tool in TOOLS]
    if call.is_set("json"):
        print_json({"tools": [{"name": tool.name, "title": tool.title, "path": path} for tool, path in rows]})
    else:
        print_table(
            ("NAME", "TOOL", "INSTALLED"),
            [(tool.name, tool.title, path or f"no: {tool.install}") for tool, path in rows],
        )


def _chosen_tool(call: Invocation) -> Tool:
    if not call.args:
        titles = [tool.title + ("" if shutil.which(tool.program) else " (not installed)") for tool in TOOLS]
        return TOOLS[choose("Which one?", titles)]
    tool = find_tool(call.args[0])
    if tool is None:
        known = ", ".join(tool.name for tool in TOOLS)
        raise CommandError(f"unknown integration: {call.args[0]}", hint=f"known are {known}")
    return tool


def _check_extra(tool: Tool, extra: tuple[str, ...]) -> None:
    for word in extra:
        if word.partition("=")[0] in tool.refused:
            raise CommandError(f"{word} contradicts what is set for {tool.title}; use --model before '--'")


def _chosen_model(call: Invocation, client: Client, tool: Tool, state: State) -> str:
    """The model of the flag, or the one this tool had last, or one that is picked."""
    if call.text("model"):
        return call.text("model")
    if call.is_set("yes") and not can_ask():
        raise CommandError(f"headless --yes launch for {tool.name} requires --model <model>")
    names = [str(model["name"]) for model in client.call("GET", "/api/tags").get("models") or ()]
    last = state.get(tool.name)
    if last in names:
        return str(last)
    if not names:
        raise CommandError("there is no model yet", hint=f"'{call.program} pull <model>' gets one")
    if not can_ask():
        message = "model selection requires an interactive terminal; use --model to run in headless mode"
        raise CommandError(message)
    return names[choose(f"Which model for {tool.title}?", names)]


def _check_model(call: Invocation, client: Client, model: str) -> None:
    """See that the model is there, or pull it; say when it is too small for the work."""
    try:
        shown = client.call("POST", "/api/show", {"model": model})
    except ServerError as error:
        if error.status != 404:
            raise
        _pull_missing(call, client, model)
        shown = client.call("POST", "/api/show", {"model": model})
    info = shown.get("model_info") or {}
    context = info.get(f"{info.get('general.architecture')}.context_length") or 0
    if 0 < context < _GOOD_CONTEXT:
        print(
            f"warning: {model} reads at most {context} tokens, too few for most tools of this kind",
            file=sys.stderr,
        )
    if "tools" not in (shown.get("capabilities") or ()):
        print(f"warning: {model} cannot call tools", file=sys.stderr)


def _pull_missing(call: Invocation, client: Client, model: str) -> None:
    if not call.is_set("yes"):
        if not can_ask():
            advice = f"run '{call.program} pull {model}' first, or use --yes to auto-pull"
            raise CommandError(f'model "{model}" not found; {advice}')
        if not confirm(f"Download {model}?"):
            raise CommandError(f'model "{model}" not found')
    pull(client, model, insecure=False)


def _target(call: Invocation, model: str) -> Target:
    ours = call.settings.address
    address = Address(ours.scheme, client_host(ours.host), ours.port, ours.path)
    key = call.settings.api_key
    return Target(address.url, model, key) if key else Target(address.url, model)


def _announce(tool: Tool, model: str, start: Start) -> None:
    print(f"launching {tool.title} with {model}, by these variables and arguments:", file=sys.stderr)
    for name, value in start.env.items():
        hidden = value and name.endswith(_SECRET)
        print(f"  {name}={'(hidden)' if hidden else value}", file=sys.stderr)
    if start.words:
        print(f"  {tool.program} {shlex.join(start.words)}", file=sys.stderr)


def _print_shell(command: list[str], env: Mapping[str, str]) -> None:
    """The same as lines for a shell, for those who start the tool themselves."""
    for name, value in env.items():
        print(f"export {name}={shlex.quote(value)}")
    print(shlex.join(command))


def _become(command: list[str], env: Mapping[str, str]) -> int:
    """Let the tool have this terminal, its signals included."""
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform != "win32":  # there, a process cannot become another one
        os.execve(command[0], command, dict(env))
    return subprocess.run(command, env=env, check=False).returncode
