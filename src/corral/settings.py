"""How the program runs, read once from the environment and then passed on as plain values.

Each setting NAME is read from `CORRAL_NAME`, else from `OLLAMA_NAME`, so an existing set-up goes on working.
Reading rules: surrounding white space and quotes are trimmed and an empty value counts as unset; a boolean
that cannot be parsed counts as true; a number that cannot be parsed is reported and its default applies.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger("corral.settings")

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 11434
FOREVER = float("inf")

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens and the client connects; an empty host means all interfaces."""

    scheme: str = "http"
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    path: str = ""

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Durations are seconds (`FOREVER` = never), sizes are bytes, 0 or None = automatic."""

    address: Address = field(default_factory=Address)
    models: Path = field(default_factory=lambda: Path.home() / ".ollama" / "models")
    home: Path = field(default_factory=lambda: Path.home() / ".corral")
    identity: Path = field(default_factory=lambda: Path.home() / ".ollama")
    origins: tuple[str, ...] = ()
    keep_alive_s: float = 300.0
    load_timeout_s: float = 300.0
    max_loaded_models: int = 0
    num_parallel: int = 0
    max_queue: int = 512
    context_length: int = 0
    gpu_overhead: int = 0
    sched_spread: bool = False
    flash_attention: bool | None = None
    kv_cache_type: str = ""
    go_template: bool | None = None
    no_prune: bool = False
    no_cloud: bool = False
    remotes: tuple[str, ...] = ("ollama.com",)
    debug: int = 0
    no_history: bool = False
    editor: str = ""
    api_key: str = ""  # sent by the command line to a server that asks for one
    llama_server: Path | None = None


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from `env` (default: this process's environment). Never fails: see the reading rules above."""
    reader = _Reader(os.environ if env is None else env)
    home = Path(reader.env.get("HOME") or Path.home())
    llama_server = reader.text("LLAMA_SERVER")
    return Settings(
        address=parse_address(reader.text("HOST")),
        models=Path(reader.text("MODELS") or home / ".ollama" / "models"),
        home=Path(reader.text("HOME") or home / ".corral"),
        identity=home / ".ollama",
        origins=reader.words("ORIGINS"),
        keep_alive_s=reader.seconds("KEEP_ALIVE", 300.0),
        load_timeout_s=reader.seconds("LOAD_TIMEOUT", 300.0, zero_is_forever=True),
        max_loaded_models=reader.number("MAX_LOADED_MODELS", 0),
        num_parallel=reader.number("NUM_PARALLEL", 0),
        max_queue=reader.number("MAX_QUEUE", 512),
        context_length=reader.number("CONTEXT_LENGTH", 0),
        gpu_overhead=reader.number("GPU_OVERHEAD", 0),
        sched_spread=bool(reader.flag("SCHED_SPREAD")),
        flash_attention=reader.flag("FLASH_ATTENTION"),
        kv_cache_type=reader.text("KV_CACHE_TYPE").lower(),
        go_template=reader.flag("GO_TEMPLATE"),
        no_prune=bool(reader.flag("NOPRUNE")),
        no_cloud=bool(reader.flag("NO_CLOUD")),
        remotes=reader.words("REMOTES") or ("ollama.com",),
        debug=reader.debug_level("DEBUG"),
        no_history=bool(reader.flag("NOHISTORY")),
        editor=reader.text("EDITOR"),
        api_key=reader.text("API_KEY"),
        llama_server=Path(llama_server) if llama_server else None,
    )


def parse_address(text: str) -> Address:
    """`[scheme://]host[:port][/path]`; a bad port is reported and replaced by the default.

    Source: cli.md 5.3, the grammar of OLLAMA_HOST.
    """
    if text == "ollama.com":
        return Address("https", text, 443)
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest, default_port = "http", text, DEFAULT_PORT
    else:
        default_port = {"http": 80, "https": 443}.get(scheme, DEFAULT_PORT)
    netloc, slash, path = rest.partition("/")
    host, port_text = _split_port(netloc)
    port = default_port
    if port_text:
        if port_text.isdecimal() and int(port_text) <= 65535:
            port = int(port_text)
        else:
            log.warning("invalid port, using default: port=%s default=%d", port_text, default_port)
    if not host and not port_text:
        host = DEFAULT_HOST
    return Address(scheme, host, port, f"/{path.rstrip('/')}" if slash and path.strip("/") else "")


def _split_port(netloc: str) -> tuple[str, str]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", netloc)
    if bracketed:
        return bracketed[1], bracketed[2] or ""
    if netloc.count(":") > 1:  # a bare IPv6 address
        return netloc, ""
    host, _, port = netloc.partition(":")
    return host, port


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `1h30m`, `1.5h`, `-1m` or `0`.

    Raises ValueError with the words of the reference: a missing unit, or an invalid duration.
    """
    body = text.lstrip("+-") if len(text) - len(text.lstrip("+-")) <= 1 else text
    if body == "0":
        return 0.0
    parts = _DURATION_PART.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        if re.fullmatch(r"(\d+\.?\d*|\.\d+)((ns|us|µs|μs|ms|s|m|h)(\d+\.?\d*|\.\d+))*", body):
            raise ValueError(f'time: missing unit in duration "{text}"')
        raise ValueError(f'time: invalid duration "{text}"')
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -total if text.startswith("-") else total


@dataclass(frozen=True, slots=True)
class _Reader:
    env: Mapping[str, str]

    def text(self, name: str) -> str:
        for prefix in ("CORRAL_", "OLLAMA_"):
            value = self.env.get(prefix + name, "").strip().strip("\"'")
            if value:
                return value
        return ""

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in self.text(name).split(",") if word.strip())

    def flag(self, name: str) -> bool | None:
        text = self.text(name)
        return None if not text else text not in _FALSE

    def number(self, name: str, default: int) -> int:
        text = self.text(name)
        if not text:
            return default
        if not text.isdecimal():
            log.warning("invalid environment variable, using default: %s=%s default=%d", name, text, default)
            return default
        return int(text)

    def seconds(self, name: str, default: float, *, zero_is_forever: bool = False) -> float:
        text = self.text(name)
        if not text:
            return default
        try:
            value = float(int(text)) if re.fullmatch(r"[+-]?\d+", text) else parse_duration(text)
        except ValueError:
            log.warning("invalid environment variable, using default: %s=%s default=%s", name, text, default)
            return default
        never = value <= 0 if zero_is_forever else value < 0
        return FOREVER if never else value

    def debug_level(self, name: str) -> int:
        text = self.text(name)
        if text.isdecimal():
            return int(text)
        return int(bool(self.flag(name)))
