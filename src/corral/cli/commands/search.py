"""`search WORDS`: models that can be pulled, where a registry offers a search."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict

from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.loading import waiting
from corral.cli.output import print_json
from corral.cli.table import print_table
from corral.cli.terminal import printable
from corral.cli.times import parse_moment
from corral.core.names import DEFAULT_NAMESPACE, DEFAULT_TAG, ModelName
from corral.core.units import human_time
from corral.library import read_hosts
from corral.registry import FoundModel, RegistryClient, search

_HEADER = ("NAME", "DOWNLOADS", "LIKES", "MODIFIED")
_DEFAULT_HOST = "hf.co"
_DEFAULT_LIMIT = 20


def run(call: Invocation) -> None:
    limit = call.number("limit") if "limit" in call.flags else _DEFAULT_LIMIT
    if not 1 <= limit <= 100:
        raise CommandError("--limit must be from 1 to 100")
    with waiting(None):
        found = asyncio.run(_search(call, limit))
    if call.is_set("json"):
        print_json({"models": [asdict(model) for model in found]})
    else:
        now = time.time()
        print_table(_HEADER, [_row(model, now) for model in found])


async def _search(call: Invocation, limit: int) -> list[FoundModel]:
    host = call.text("registry") or _DEFAULT_HOST
    # A name is needed to speak to its registry; which one does not matter here.
    name = ModelName(host, DEFAULT_NAMESPACE, "any", DEFAULT_TAG)
    endpoint = read_hosts(call.settings).endpoint(host, insecure=call.is_set("insecure"))
    async with RegistryClient(name, endpoint) as client:
        return await search(client, call.args, limit)


def _row(model: FoundModel, now_s: float) -> tuple[str, str, str, str]:
    return (
        printable(model.name),
        _count(model.downloads),
        _count(model.likes),
        human_time(parse_moment(model.modified_at), now_s) if model.modified_at else "-",
    )


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)
