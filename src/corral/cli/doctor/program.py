"""The program itself: version, settings, variables that nobody reads, its folder, the key, proxies."""

from __future__ import annotations

import difflib
import os
import platform
import stat
import sys
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from corral import __version__
from corral.cli.doctor.finding import Finding, ok, problem, warning
from corral.settings import Settings, explain_settings

_PREFIXES = ("CORRAL_", "OLLAMA_")
# Known from elsewhere, and read by nobody here: they need not look like mistakes.
_OTHERS = frozenset({"OLLAMA_API_BASE", "OLLAMA_BASE_URL", "OLLAMA_VERSION"})
_SECRET_BITS = stat.S_IRWXG | stat.S_IRWXO
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def look(settings: Settings) -> Iterator[Finding]:
    system = f"{platform.system()} {platform.machine()}"
    yield ok("corral", f"version {__version__}, Python {platform.python_version()}, {system}")
    yield _settings()
    yield from _unknown_variables(os.environ)
    yield _home(settings)
    yield from _key(settings)
    yield from _proxies(os.environ)


def _settings() -> Finding:
    path, found = explain_settings()
    given = [setting.name for setting in found if setting.origin != "default"]
    where = str(path) if path.exists() else f"no file at {path}"
    return ok("settings", f"{where}; not the default: {', '.join(given) or 'none'}")


def _unknown_variables(env: Mapping[str, str]) -> Iterator[Finding]:
    known = [prefix + setting.name.upper() for setting in explain_settings()[1] for prefix in _PREFIXES]
    for name in sorted(env):
        if name.startswith(_PREFIXES) and name not in known and name not in _OTHERS:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            fix = (
                f"did you mean {near[0]}?" if near else "remove it, or see docs/settings.md for what there is"
            )
            yield warning("variables", f"{name} is set, but has no effect here", fix)


def _home(settings: Settings) -> Finding:
    folder = settings.home
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(place, os.W_OK):
        return problem("folder", f"{folder} cannot be written", "give yourself the right, or set CORRAL_HOME")
    return ok("folder", f"{folder}" + ("" if folder.exists() else " (made when it is needed)"))


def _key(settings: Settings) -> Iterator[Finding]:
    path = settings.identity / "id_ed25519"
    if sys.platform != "win32" and path.exists() and path.stat().st_mode & _SECRET_BITS:
        yield warning("key", f"others on this machine can read {path}", f"chmod 600 {path}")


def _proxies(env: Mapping[str, str]) -> Iterator[Finding]:
    given = {name.lower(): value for name, value in env.items() if name.lower() in _PROXIES and value}
    for name, value in sorted(given.items()):
        if name == "no_proxy":
            continue
        place = _proxy_place(value)
        if place is None:
            fix = f"set {name} to an address such as http://proxy.example:3128, or unset it"
            yield problem("proxy", f"{name} is no address of a proxy: {value}", fix)
        else:
            yield ok("proxy", f"downloads go through {place} ({name})")


def _proxy_place(value: str) -> str | None:
    """Host and port, without a name and a password that may stand before them."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        known = parts.hostname and parts.scheme in ("http", "https", "socks5", "socks5h")
        return f"{parts.hostname}:{parts.port or 80}" if known else None
    except ValueError:
        return None
