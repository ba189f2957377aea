"""Tool calls on their way out: put together from the engine's fragments, with ids, no more than allowed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import msgspec

from corral.answer import new_call_id
from corral.core.events import Event, ToolCalls
from corral.core.messages import ToolCall
from corral.engine import ToolCallDelta

log = logging.getLogger("corral.serving")

_LEFT_OUT = "tool calls left out: the request allows one"


class CallGate:
    """Gives each call its id. Where an answer may make only one call, the others do not pass."""

    def __init__(self, *, parallel: bool) -> None:
        self._parallel = parallel
        self._num_passed = 0

    def passed(self, events: Iterable[Event]) -> list[Event]:
        return [
            passed
            for event in events
            if (passed := self._calls(event) if isinstance(event, ToolCalls) else event) is not None
        ]

    def _calls(self, event: ToolCalls) -> ToolCalls | None:
        calls = event.calls if self._parallel else event.calls[: 1 - self._num_passed]
        if len(calls) < len(event.calls):
            log.warning(_LEFT_OUT)
        self._num_passed += len(calls)
        named = tuple(replace(call, id=new_call_id()) for call in calls)
        return replace(event, calls=named) if named else None


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class CallPieces:
    """Puts the engine's fragments of tool calls together; only the first where one is allowed."""

    def __init__(self, *, parallel: bool = True) -> None:
        self._parallel = parallel
        self._open: dict[int, _Call] = {}

    def add(self, delta: ToolCallDelta) -> None:
        call = self._open.setdefault(delta.index, _Call())
        call.id = call.id or delta.id
        call.name += delta.name
        call.arguments.append(delta.arguments)

    def finish(self) -> tuple[str, tuple[ToolCall, ...]]:
        """Complete calls, and as text those whose arguments are no JSON object."""
        text, found = "", []
        calls = list(self._open.values())
        if not self._parallel and len(calls) > 1:
            log.warning(_LEFT_OUT)
            calls = calls[:1]
        for index, call in enumerate(calls):
            raw = "".join(call.arguments)
            arguments = _object(raw)
            if arguments is None:
                log.warning("tool call with broken arguments passed on as text: name=%s", call.name)
                text += f"{call.name}{raw}"
            else:
                found.append(ToolCall(call.name, arguments, call.id or new_call_id(), index))
        return text, tuple(found)


def _object(text: str) -> dict[str, object] | None:
    try:
        value = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return None
    return value if isinstance(value, dict) else None
