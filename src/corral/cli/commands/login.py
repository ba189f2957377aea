"""`login HOST` and `logout HOST`: what registries know the user by, read at each pull and push."""

from __future__ import annotations

import asyncio
import getpass
import re
import sys

from corral.cli.commands import account
from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.core.names import DEFAULT_NAMESPACE, DEFAULT_TAG, ModelName
from corral.errors import AccessDenied, InvalidName, NotFound

_TOKEN_HOSTS = ("hf.co", "huggingface.co")


def run(call: Invocation) -> None:
    if not call.args:
        account.run(call)
        return
    host = _host(call.args[0])
    if call.command == "login":
        _login(call, host)
    else:
        _logout(call, host)


def _login(call: Invocation, host: str) -> None:
    from corral.registry import Credentials, Login  # brings httpx

    username, secret = _asked(call, host)
    login = Login(username, secret) if username else Login(token=secret)
    asyncio.run(_check(call, host, login))
    Credentials(call.settings.home).keep(host, login)
    print(f"signed in to {host}")


def _logout(call: Invocation, host: str) -> None:
    from corral.registry import Credentials  # brings httpx

    if not Credentials(call.settings.home).forget(host):
        raise CommandError(f"not signed in to {host}")
    print(f"signed out of {host}")


def _host(text: str) -> str:
    """The host of an argument, which may be a whole address. Raises CommandError."""
    host = re.sub(r"^https?://", "", text).split("/")[0]
    try:
        return _any_name(host).host.lower()
    except InvalidName as error:
        raise CommandError(f'"{text}" is no host') from error


def _any_name(host: str) -> ModelName:
    return ModelName(host, DEFAULT_NAMESPACE, "any", DEFAULT_TAG)


def _asked(call: Invocation, host: str) -> tuple[str, str]:
    """Name and secret; no name for a token. Raises CommandError."""
    wants_token = call.is_set("token") or host in _TOKEN_HOSTS
    username = call.text("username")
    if call.is_set("password-stdin"):
        secret = sys.stdin.readline().strip()
        if not username and not wants_token:
            raise CommandError("--password-stdin needs --username, or --token")
    elif not sys.stdin.isatty():
        raise CommandError("no terminal to ask on: give the password with --password-stdin")
    else:
        username = username if username or wants_token else input("Username: ").strip()
        secret = getpass.getpass("Token: " if wants_token else "Password: ").strip()
    if not secret:
        raise CommandError("nothing was given, nothing is changed")
    return "" if wants_token else username, secret


async def _check(call: Invocation, host: str, login: object) -> None:
    """Raises AccessDenied when the host does not accept the login, RegistryError when it cannot be asked."""
    from corral.registry import Hosts, Login, RegistryClient

    assert isinstance(login, Login)
    hosts = Hosts(settings=call.settings.registries, logins={host: login})
    endpoint = hosts.endpoint(host, insecure=call.is_set("insecure"))
    try:
        async with RegistryClient(_any_name(host), endpoint) as client:
            await client.check_access()
    except AccessDenied as error:
        raise AccessDenied(f"{host} does not accept this login") from error
    except NotFound:
        pass  # a host that serves models without the page that tells who one is
