"""`keys`: who may use a server.

Keys live where the server is: for an address of this machine in the file of CORRAL_HOME, whether a server
runs or not; for another machine behind its administration API, which asks for a key with the scope admin.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from corral.cli.client import Client
from corral.cli.connect import client_host, is_local
from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.table import print_table
from corral.cli.times import parse_moment
from corral.core.units import human_time
from corral.database import DatabaseFile, database_path
from corral.keys import create_key, key_record, list_keys, read_new_key, revoke_key

_HEADER = ("NAME", "KEY", "SCOPES", "RATE", "TOKENS", "CONCURRENCY", "REQUESTS", "USED", "LAST USED", "STATE")


class _Keys(Protocol):
    """Where the keys are. Each method raises CorralError."""

    def create(self, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]: ...

    def list(self) -> list[dict[str, Any]]: ...

    def revoke(self, name: str) -> None: ...


def run(call: Invocation) -> None:
    action, *names = call.args
    if len(names) != (0 if action == "list" else 1):
        raise CommandError(f"usage: {call.program} keys {action}{'' if action == 'list' else ' NAME'}")
    keys = _keys(call)
    if action == "create":
        _show_new(call, keys.create(names[0], _wanted(call)))
    elif action == "revoke":
        keys.revoke(names[0])
        print(f"revoked '{names[0]}'")
    else:
        _show_all(call, keys.list())


def _keys(call: Invocation) -> _Keys:
    if is_local(client_host(call.settings.address.host)):
        return _FileKeys(DatabaseFile(database_path(call.settings.home)))
    return _ServerKeys(call.client())


def _wanted(call: Invocation) -> dict[str, Any]:
    """What the flags ask for, in the names of the API."""
    return {
        "scopes": [word for word in call.text("scope").split(",") if word.strip()],
        "rate": call.text("rate"),
        "tokens": call.text("tokens"),
        "concurrency": call.number("concurrency"),
        "expires": call.text("expires"),
    }


class _FileKeys:
    """The keys of this machine. A running server sees a change within a second."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def create(self, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        new = read_new_key(name, time.time(), **wanted)
        self._file.write(lambda connection: create_key(connection, new))
        return {"name": name, "key": new.secret}

    def list(self) -> list[dict[str, Any]]:
        rows = self._file.read(list_keys) if self._file.exists() else []
        return [key_record(row) for row in rows]

    def revoke(self, name: str) -> None:
        self._file.write(lambda connection: revoke_key(connection, name, time.time()))


class _ServerKeys:
    """The keys of another machine."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._client.call("POST", "/api/keys", {"name": name, **wanted}))

    def list(self) -> list[dict[str, Any]]:
        return list(self._client.call("GET", "/api/keys")["keys"])

    def revoke(self, name: str) -> None:
        self._client.call("DELETE", f"/api/keys/{quote(name, safe='')}")


def _show_new(call: Invocation, made: dict[str, Any]) -> None:
    """The key alone on stdout, so that a script can take it."""
    if call.is_set("json"):
        print_json(made)
        return
    print(made["key"])
    print("Keep it now: it is not stored, and cannot be shown again.", file=sys.stderr)


def _show_all(call: Invocation, records: list[dict[str, Any]]) -> None:
    if call.is_set("json"):
        print_json({"keys": records})
        return
    now = time.time()
    print_table(_HEADER, [_row(record, now) for record in records])


def _row(record: Mapping[str, Any], now: float) -> tuple[str, ...]:
    usage = record["usage"]
    used = usage["prompt_tokens"] + usage["completion_tokens"]
    return (
        record["name"],
        f"{record['hint']}…",
        ",".join(record["scopes"]),
        record["rate"] or "-",
        record["tokens"] or "-",
        str(record["concurrency"] or "-"),
        str(usage["requests"]),
        f"{used} tokens",
        human_time(parse_moment(usage["last_used_at"] or ""), now),
        _state(record, now),
    )


def _state(record: Mapping[str, Any], now: float) -> str:
    if record["revoked_at"]:
        return "revoked"
    end = parse_moment(record["expires_at"] or "")
    if end is None:
        return "in use"
    return f"ends {human_time(end, now)}" if end > now else "expired"
