"""`stop`: unload a model. Source: cli.md section 12."""

from __future__ import annotations

from corral.cli.client import Client
from corral.cli.errors import CommandError, ServerError
from corral.cli.invocation import Invocation
from corral.cli.loading import waiting


def run(call: Invocation) -> None:
    name = call.args[0]
    try:
        unload(call.client(), name)
    except ServerError as error:
        if error.status == 404:
            raise CommandError(f'couldn\'t find model "{name}" to stop') from error
        raise


def unload(client: Client, name: str) -> None:
    """Take a model out of memory; models that run elsewhere are left alone. Raises ServerError."""
    with waiting(None):
        shown = client.call("POST", "/api/show", {"model": name})
        if not shown.get("remote_host"):
            body = {"model": name, "prompt": "", "keep_alive": "0s", "stream": False}
            client.call("POST", "/api/generate", body)
