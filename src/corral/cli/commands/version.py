"""`--version`: the server's version, and this program's where it differs. Source: cli.md section 23.

A server that speaks for compatibility names the version of the API it follows; its own stands in `corral`.
"""

from __future__ import annotations

from corral import __version__
from corral.cli.client import Client
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.errors import CorralError


def run(call: Invocation) -> None:
    client = call.client(starts=False)
    if call.is_set("json"):
        print_json({"client": __version__, "server": _server_version(client)})
        return
    try:
        answer = client.call("GET", "/api/version")
    except CorralError:
        print(f"Warning: could not connect to a running {call.program.title()} instance")
        print(f"Warning: client version is {__version__}")
        return
    print(f"{call.program} version is {answer.get('version', '')}")
    if answer.get("corral", answer.get("version")) != __version__:
        print(f"Warning: client version is {__version__}")


def _server_version(client: Client) -> str | None:
    try:
        return str(client.call("GET", "/api/version").get("version", ""))
    except CorralError:
        return None
