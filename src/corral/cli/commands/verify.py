"""`verify`: hash the files of models again, and say which are damaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corral.cli.commands.pull import pull
from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.progress import Display
from corral.cli.transfer import show_records


def run(call: Invocation) -> None:
    client = call.client()
    repair = call.is_set("repair")
    damaged: list[dict[str, Any]] = []
    with Display() as display:
        records = client.stream("/api/verify", {"models": list(call.args), "repair": repair})
        show_records(_healthy(records, damaged), display)
    if call.is_set("json"):
        print_json({"damaged": damaged})
    else:
        _print(damaged)
    if not damaged:
        return
    models = sorted({name for record in damaged for name in record["models"]})
    if not repair:
        hint = f"to download what is damaged again: {call.program} verify --repair {' '.join(models)}"
        raise CommandError(f"damaged: {', '.join(models)}", hint=hint)
    for name in models:
        pull(client, name, insecure=False)


def _print(damaged: list[dict[str, Any]]) -> None:
    for record in damaged:
        print(f"{record['digest']} {record['problem']} (in {', '.join(record['models'])})".lstrip())
    if not damaged:
        print("all files are as they should be")


def _healthy(records: Iterator[dict[str, Any]], damaged: list[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The records that show progress; the others are collected."""
    for record in records:
        if record.get("status") == "damaged":
            damaged.append({name: value for name, value in record.items() if name != "status"})
        else:
            yield record
