"""`pull`: download a model. Source: cli.md section 16."""

from __future__ import annotations

from corral.cli.client import Client
from corral.cli.invocation import Invocation
from corral.cli.progress import Display
from corral.cli.transfer import show_records


def run(call: Invocation) -> None:
    pull(call.client(), call.args[0], insecure=call.is_set("insecure"))


def pull(client: Client, name: str, *, insecure: bool) -> None:
    """Download `name`, with its progress on stderr. Raises ServerError."""
    with Display() as display:
        records = client.stream("/api/pull", {"name": name, "insecure": insecure})
        show_records(records, display, pulling=True)
