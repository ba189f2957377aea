"""All settings, with their defaults and how each is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from corral.settings.address import Address
from corral.settings.reader import Found, Reader, find_variable
from corral.settings.registries import RegistrySettings, read_registries

CONFIG_NAME = "config.toml"
_CERTIFICATE = Path("tls", "cert.pem")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Durations are seconds (`FOREVER` = never), sizes are bytes, 0 or None = automatic."""

    address: Address = field(default_factory=Address)
    models: Path = field(default_factory=lambda: Path.home() / ".ollama" / "models")
    home: Path = field(default_factory=lambda: Path.home() / ".corral")
    identity: Path = field(default_factory=lambda: Path.home() / ".ollama")
    origins: tuple[str, ...] = ()
    image_hosts: tuple[str, ...] = ()  # may be asked for images by URL; `*`: the whole internet
    open: tuple[str, ...] = ()  # scopes that need no key; empty: all on loopback, none elsewhere
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
    no_prompt_cache: bool = False  # on the disk
    prompt_cache_size: int = 0
    prompt_cache_memory: int = 0  # bytes for all models
    prompt_cache_shared: bool = False  # between API keys
    go_template: bool | None = None
    speculation: bool = True
    preload: tuple[str, ...] = ()  # models that should always be loaded, the most wanted first
    no_prune: bool = False
    no_cloud: bool = False
    remotes: tuple[str, ...] = ("ollama.com",)
    debug: int = 0
    log_format: str = "text"  # or json
    capture: str = ""  # of requests: redacted or full
    tls: str = ""  # self-signed
    tls_cert: Path | None = None
    tls_key: Path | None = None
    no_history: bool = False
    editor: str = ""
    api_key: str = ""  # sent by the command line to a server that asks for one
    llama_server: Path | None = None
    registries: Mapping[str, RegistrySettings] = field(default_factory=dict)  # by host, in lower case
    share: bool = False
    hf_token: str = ""
    package_index: str = ""  # of Python packages, one of which brings the source of the engine

    @property
    def certificate(self) -> Path:
        """Where the server keeps a certificate that it made for itself."""
        return self.home / _CERTIFICATE

    @property
    def log_file(self) -> Path:
        """Where the server writes its log."""
        return self.home / "logs" / "server.log"


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from `env` (default: this process's environment) and the file. Raises ConfigError."""
    return _read(_open(env))


def explain_settings(env: Mapping[str, str] | None = None) -> tuple[Path, list[Found]]:
    """The path of the file, which need not exist, and every setting with its origin. Raises ConfigError."""
    reader = _open(env)
    _read(reader)
    return reader.home / CONFIG_NAME, reader.found


def _open(env: Mapping[str, str] | None) -> Reader:
    env = os.environ if env is None else env
    user = Path(env.get("HOME") or Path.home())
    home = Path(find_variable(env, "HOME")[1] or user / ".corral")
    path = home / CONFIG_NAME
    if not path.exists():
        return Reader(env, user, home)
    from corral.settings.file import read_config  # brings a parser, which most users do not need

    return Reader(env, user, home, read_config(path))


def _trusting(address: Address, certificate: Path) -> Address:
    return (
        replace(address, trusted=certificate)
        if address.scheme == "https" and certificate.exists()
        else address
    )


def _capture(reader: Reader) -> str:
    """As it is set; the switch that others know for the same purpose keeps everything."""
    chosen = reader.text("CAPTURE")
    return "full" if reader.switch("DEBUG_LOG_REQUESTS") and not chosen else chosen


def _read(reader: Reader) -> Settings:
    home = Path(reader.text("HOME", str(reader.home)))
    settings = Settings(
        home=home,
        identity=reader.user / ".ollama",
        address=_trusting(reader.address("HOST"), home / _CERTIFICATE),
        models=Path(reader.text("MODELS", str(reader.user / ".ollama" / "models"))),
        origins=reader.words("ORIGINS"),
        image_hosts=reader.words("IMAGE_HOSTS"),
        open=reader.words("OPEN"),
        keep_alive_s=reader.seconds("KEEP_ALIVE", 300.0),
        load_timeout_s=reader.limit("LOAD_TIMEOUT", 300.0),
        max_loaded_models=reader.number("MAX_LOADED_MODELS", 0),
        num_parallel=reader.number("NUM_PARALLEL", 0),
        max_queue=reader.number("MAX_QUEUE", 512),
        context_length=reader.number("CONTEXT_LENGTH", 0),
        gpu_overhead=reader.number("GPU_OVERHEAD", 0),
        sched_spread=reader.switch("SCHED_SPREAD"),
        flash_attention=reader.flag("FLASH_ATTENTION"),
        kv_cache_type=reader.text("KV_CACHE_TYPE").lower(),
        no_prompt_cache=reader.switch("NO_PROMPT_CACHE"),
        prompt_cache_size=reader.size("PROMPT_CACHE_SIZE"),
        prompt_cache_memory=reader.size("PROMPT_CACHE_MEMORY"),
        prompt_cache_shared=reader.switch("PROMPT_CACHE_SHARED"),
        go_template=reader.flag("GO_TEMPLATE"),
        preload=reader.words("PRELOAD"),
        speculation=reader.flag("SPECULATION") is not False,
        no_prune=reader.switch("NOPRUNE"),
        no_cloud=reader.switch("NO_CLOUD"),
        remotes=reader.words("REMOTES", ("ollama.com",)),
        debug=reader.level("DEBUG"),
        log_format=reader.text("LOG_FORMAT", "text").lower(),
        capture=_capture(reader),
        tls=reader.text("TLS").lower(),
        tls_cert=reader.path("TLS_CERT"),
        tls_key=reader.path("TLS_KEY"),
        no_history=reader.switch("NOHISTORY"),
        editor=reader.text("EDITOR"),
        api_key=reader.text("API_KEY"),
        llama_server=reader.path("LLAMA_SERVER"),
        registries=read_registries(reader),
        share=reader.switch("SHARE"),
        hf_token=reader.env.get("HF_TOKEN", "").strip(),  # the name that all its tools know
        package_index=reader.env.get("PIP_INDEX_URL", "").strip(),  # as pip reads it
    )
    reader.check()
    return settings
