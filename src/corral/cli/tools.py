"""Programs that `launch` starts against our server: their arguments, and what is added to their environment.

Nothing is written into the files of these programs, so there is nothing to take back afterwards.
Source: cli.md 24.2 and the documentation of each program.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a tool finds its model. `key` is never empty: some tools refuse to start without one."""

    url: str
    model: str
    key: str = "corral"


@dataclass(frozen=True, slots=True)
class Start:
    """Words after the program's name, and variables that are added to its environment."""

    words: Words = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tool:
    """One program. `refused` are flags of its own that would contradict ours."""

    name: str
    title: str
    program: str
    install: str
    start: Callable[[Target], Start]
    aliases: Words = ()
    refused: Words = ()


def _claude(target: Target) -> Start:
    models = (
        "ANTHROPIC_DEFAULT_OPUS_MODEL",
        "ANTHROPIC_DEFAULT_SONNET_MODEL",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    )
    env = {
        "ANTHROPIC_BASE_URL": target.url,
        "ANTHROPIC_API_KEY": "",  # one of the user's own would be preferred to the token
        "ANTHROPIC_AUTH_TOKEN": target.key,
        **dict.fromkeys((*models, "CLAUDE_CODE_SUBAGENT_MODEL"), target.model),
        # What it would report about this session is about our model.
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    return Start(("--model", target.model), env)


def _codex(target: Target) -> Start:
    provider = "model_providers.corral"
    settings = {
        "model_provider": "corral",
        f"{provider}.name": "Corral",
        f"{provider}.base_url": f"{target.url}/v1",
        f"{provider}.wire_api": "responses",
        f"{provider}.env_key": "OPENAI_API_KEY",
    }
    # A value is read as TOML, in which a JSON string is a string.
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={json.dumps(value)}")]
    return Start((*words, "-m", target.model), {"OPENAI_API_KEY": target.key})


def _opencode(target: Target) -> Start:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Corral",
        "options": {"baseURL": f"{target.url}/v1", "apiKey": target.key},
        "models": {target.model: {"name": target.model}},
    }
    config = {
        "$schema": "https://opencode.ai/config.json",
        "provider": {"corral": provider},
        "model": f"corral/{target.model}",
        "small_model": f"corral/{target.model}",
    }
    return Start((), {"OPENCODE_CONFIG_CONTENT": json.dumps(config, separators=(",", ":"))})


def _aider(target: Target) -> Start:
    env = {"OLLAMA_API_BASE": target.url, "OLLAMA_API_KEY": target.key}
    return Start(("--model", f"ollama_chat/{target.model}"), env)


def _open_webui(target: Target) -> Start:
    env = {
        "ENABLE_OLLAMA_API": "true",
        "OLLAMA_BASE_URL": target.url,
        "DEFAULT_MODELS": target.model,
        "ENABLE_OPENAI_API": "false",
    }
    return Start(("serve",), env)


def _copilot(target: Target) -> Start:
    env = {
        "COPILOT_PROVIDER_BASE_URL": f"{target.url}/v1",
        "COPILOT_PROVIDER_API_KEY": target.key,
        "COPILOT_PROVIDER_WIRE_API": "responses",
        "COPILOT_MODEL": target.model,
    }
    return Start((), env)


TOOLS = (
    Tool(
        "claude",
        "Claude Code",
        "claude",
        "npm install -g @anthropic-ai/claude-code",
        _claude,
        aliases=("claude-code",),
        refused=("--model",),
    ),
    Tool(
        "codex",
        "Codex",
        "codex",
        "npm install -g @openai/codex",
        _codex,
        refused=("-p", "--profile", "-m", "--model"),
    ),
    Tool("opencode", "OpenCode", "opencode", "npm install -g opencode-ai", _opencode),
    Tool("aider", "Aider", "aider", "pip install aider-chat", _aider, refused=("--model",)),
    Tool(
        "open-webui",
        "Open WebUI",
        "open-webui",
        "pip install open-webui",
        _open_webui,
        aliases=("openwebui", "webui"),
    ),
    Tool(
        "copilot",
        "GitHub Copilot CLI",
        "copilot",
        "npm install -g @github/copilot",
        _copilot,
        aliases=("copilot-cli",),
    ),
)


def find_tool(name: str) -> Tool | None:
    """The tool of that name or alias."""
    return next((tool for tool in TOOLS if name == tool.name or name in tool.aliases), None)
