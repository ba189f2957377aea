"""What a base that reasons thinks before answers that its user gave without reasoning: it is asked itself.

Such a row would teach it to answer everything at once, and a row for the mode without reasoning alone teaches
nothing to requests that say nothing. What is written is kept in the job's folder: a job that goes on learns
from the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import msgspec

from corral.core.events import Done, Text, Thinking, ToolCalls
from corral.core.model import Model
from corral.core.requests import ChatRequest
from corral.errors import EngineError, InvalidInput
from corral.serving.service import Service
from corral.settings import Settings
from corral.tune.data import Row
from corral.tune.judge import served_alone

_FILE = "reasoning.jsonl"
_NUM_PREDICT = 512  # reasoning that is longer does not count
_AT_ONCE = 16


class Reasoning:
    """Called with a row: what the base thinks before its last answer; empty where that does not end."""

    def __init__(self, service: Service, model: Model, path: Path, num_threads: int) -> None:
        self._service = service
        self._name = model.name.short
        self._options = {"temperature": 0, "num_predict": _NUM_PREDICT, "num_thread": num_threads}
        self._path = path
        self._known = _kept(path)
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, row: Row) -> str:
        key = row.key.hex()
        if key not in self._known:
            async with self._free:
                self._known[key] = await self._written(row)
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode([key, self._known[key]]) + b"\n")
        return self._known[key]

    async def _written(self, row: Row) -> str:
        request = ChatRequest(
            model=self._name, messages=row.messages[:-1], tools=row.tools, think=True, options=self._options
        )
        thoughts = ""
        try:
            async with aclosing(await self._service.chat(request)) as answer:
                async for batch in answer.rest():
                    for event in batch:
                        match event:
                            case Thinking(text):
                                thoughts += text
                            case Text() | ToolCalls():
                                return thoughts.strip()
                            case Done():
                                return ""
        except (EngineError, InvalidInput):
            return ""  # it cannot be asked, or wrote what nobody reads
        return ""


@asynccontextmanager
async def reasoning(
    model: Model, settings: Settings, folder: Path, num_threads: int
) -> AsyncIterator[Reasoning]:
    """The engine starts with the first row that is asked, and ends here."""
    async with served_alone(model, settings) as service:
        yield Reasoning(service, model, folder / _FILE, num_threads)


def _kept(path: Path) -> dict[str, str]:
    """What was written before; a last line that was cut off is written anew."""
    found: dict[str, str] = {}
    if path.exists():
        whole = path.read_bytes().rpartition(b"\n")[0]
        path.write_bytes(whole + b"\n" if whole else b"")
        found.update(msgspec.json.decode(line, type=tuple[str, str]) for line in whole.splitlines())
    return found
