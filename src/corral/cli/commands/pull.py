"""`pull`: download a model, or what is newer of all. Source: cli.md section 16."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from corral.cli.client import Client
from corral.cli.commands.outdated import compare
from corral.cli.errors import CommandError, ServerError
from corral.cli.invocation import Invocation
from corral.cli.progress import Display
from corral.cli.transfer import print_records, show_records


def run(call: Invocation) -> None:
    if call.is_set("all"):
        if call.args:
            raise CommandError("--all stands for all models: name none")
        _pull_all(call.client(), insecure=call.is_set("insecure"))
    elif call.is_set("json"):
        print_records(_records(call.client(), call.args[0], insecure=call.is_set("insecure")))
    else:
        pull(call.client(), call.args[0], insecure=call.is_set("insecure"))


def pull(client: Client, name: str, *, insecure: bool) -> None:
    """Download `name`, with its progress on stderr. Raises ServerError."""
    with Display() as display:
        show_records(_records(client, name, insecure=insecure), display, pulling=True)


def _records(client: Client, name: str, *, insecure: bool) -> Iterator[dict[str, Any]]:
    return client.stream("/api/pull", {"name": name, "insecure": insecure})


def _pull_all(client: Client, *, insecure: bool) -> None:
    """Download every model that is newer in its registry. Raises CommandError when one failed."""
    models = compare(client)
    failed = [model["name"] for model in models if model["state"] == "unknown"]
    for name in (model["name"] for model in models if model["state"] == "outdated"):
        print(f"{name}:", file=sys.stderr)
        try:
            pull(client, name, insecure=insecure)
        except ServerError as error:
            print(f"Error: {error.message}", file=sys.stderr)
            failed.append(name)
    num_newer = sum(model["state"] == "outdated" for model in models)
    print(f"{num_newer} of {len(models)} models had a newer version")
    if failed:
        raise CommandError(f"not brought up to date: {', '.join(failed)}")
