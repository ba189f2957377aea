"""The server: does one answer, is it ours and of this version, and could one start?"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import psutil

from corral import __version__
from corral.cli.client import SHORT_PATIENCE_S, Client
from corral.cli.connect import client_host, is_local
from corral.cli.doctor.finding import Finding, ok, problem, warning
from corral.cli.errors import NoServer, SilentServer
from corral.errors import CorralError
from corral.settings import Settings

_LAST_PRIVILEGED_PORT = 1023


def look(settings: Settings) -> Iterator[Finding]:
    address = settings.address
    client = Client(address, api_key=settings.api_key, patience_s=SHORT_PATIENCE_S)
    try:
        version = client.call("GET", "/api/version")["version"]
    except NoServer:
        yield _port(settings)
        return
    except SilentServer as error:
        yield problem("server", str(error), f"end or restart {_holder(address.port) or 'it'}")
        return
    except (CorralError, KeyError) as error:
        fix = f"end {_holder(address.port) or 'it'}, or set CORRAL_HOST to another port"
        yield problem("server", f"what answers at {address.url} is no server of ours: {error}", fix)
        return
    if version == __version__:
        yield ok("server", f"version {version} answers at {address.url}")
    else:
        holder = _holder(address.port)
        fix = f"restart the server, or see which program it is{f': {holder}' if holder else ''}"
        yield warning("server", f"version {version} answers at {address.url}, this is {__version__}", fix)
    yield from _loaded(client)
    if not is_local(client_host(address.host)) or address.host in ("", "0.0.0.0", "::"):
        yield from _reach(settings)


def _loaded(client: Client) -> Iterator[Finding]:
    try:
        models = client.call("GET", "/api/ps").get("models") or ()
    except CorralError as error:
        yield problem("server", f"it does not say what is loaded: {error}", "see the server's log")
        return
    yield ok("server", "loaded: " + (", ".join(model["name"] for model in models) or "nothing"))


def _reach(settings: Settings) -> Iterator[Finding]:
    if settings.address.host in ("", "0.0.0.0", "::"):
        fix = "set CORRAL_HOST to 127.0.0.1, unless other machines shall use the server"
        yield warning("server", "every machine that reaches this one reaches the server", fix)


def _port(settings: Settings) -> Finding:
    """Nothing answers: could a server be started there?"""
    address = settings.address
    host = client_host(address.host)
    if not is_local(host):
        fix = "start it there, or correct CORRAL_HOST"
        return problem("server", f"nothing answers at {address.url}, on another machine", fix)
    if address.port <= _LAST_PRIVILEGED_PORT:
        return warning(
            "server", f"nothing answers at {address.url}", "start it: such a port needs privileges"
        )
    try:
        with socket.create_server((host, address.port), family=_family(host)):
            return ok("server", f"not running; the first command starts it at {address.url}")
    except OSError as error:
        fix = f"end {_holder(address.port) or 'what holds the port'}, or set CORRAL_HOST to another port"
        return problem("server", f"port {address.port} cannot be used: {(error.strerror or '').lower()}", fix)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _holder(port: int) -> str:
    """Name and number of the process that listens on a port; empty where the system does not tell."""
    try:
        for found in psutil.net_connections("tcp"):
            listens = found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port
            if listens and found.pid:
                return f"{psutil.Process(found.pid).name()} (process {found.pid})"
    except psutil.Error:
        pass
    return ""
