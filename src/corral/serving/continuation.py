"""From a prompt to events: the engine continues the text, a parser reads what it writes."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import msgspec

from corral.answer import AnswerParser, PlainParser
from corral.core.events import Cut, Done, Event
from corral.engine import Client, Completion, Finish, PrefillProgress, TextPiece
from corral.errors import InvalidInput
from corral.serving.run import Run, shown_logprobs

log = logging.getLogger("corral.serving")

# So many equal pieces in a row are no answer any more. Source: http-api.md 8.12.
_MAX_EQUAL_PIECES = 30
# What stands for an image in a prompt that we rendered.
MARKER = re.compile(r"\[img-(\d+)\]")

# What was written -> the token list for a continuation.
Finisher = Callable[[str], Awaitable[tuple[int, ...] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """A prompt for the engine, and all that its answer needs.

    `images` stand where the prompt has `[img-0]`, `[img-1]`... The `tokens` of the prompt are there where
    somebody counted them, and so limit the answer. `is_json`: the text that the grammar holds must be
    complete JSON at its end. `cut` is what the prompt lacks of the request.
    """

    prompt: str
    parser: AnswerParser = field(default_factory=PlainParser)
    images: Sequence[bytes] = ()
    grammar: str = ""
    is_json: bool = False
    tokens: Sequence[int] = ()
    cut: Cut | None = None
    context: Finisher | None = None


async def complete(run: Run, work: Continuation) -> AsyncGenerator[list[Event], None]:
    """The events of a continued text; the last one is a Done."""
    prompt, media = await _with_media(run.client, work.prompt, work.images)
    # Many templates begin with the token that the engine adds by itself; two of them confuse a model.
    prompt = prompt.removeprefix(await run.client.bos_text())
    written: list[str] = []
    guard = _Guard()
    clock = _Clock()
    progress = PrefillProgress(0, 0, 0)

    async def done(finish: Finish) -> list[Event]:
        text = "".join(written)
        tokens = await work.context(text) if work.context else None
        stop = (
            f'it met the stop text "{finish.stop_word}"' if finish.stop_word else "the model repeats itself"
        )
        broken_off = json_problem(run, finish.reason, text, stop) if work.is_json else ""
        end = Done(finish.reason, run.usage(finish), tokens, cut=work.cut, broken_off=broken_off)
        return [*work.parser.finish(), end]

    async with run.seated(work.prompt, tokens=work.tokens, media=work.images) as seat:
        request = Completion(
            prompt=prompt,
            images=media,
            grammar=work.grammar,
            shown_tags=work.parser.tags,
            sampling=run.sampling(len(work.tokens), seat.slot),
        )
        async with aclosing(run.client.complete(request)) as stream:
            async for batch in stream:
                events: list[Event] = []
                for chunk in batch:
                    seat.see(chunk)
                    match chunk:
                        case TextPiece():
                            clock.write()
                            written.append(chunk.text)
                            guard.see(chunk.text)
                            shown = shown_logprobs(chunk, run.request.top_logprobs)
                            events += work.parser.feed(chunk.text, shown)
                        case PrefillProgress():
                            progress = chunk
                            run.meter.prefilled(chunk.total, chunk.cached)
                        case Finish():
                            events += await done(chunk)
                stopped = guard.tripped and not isinstance(batch[-1], Finish)
                if stopped:
                    log.warning("generation stopped: the model repeats itself")
                    counts = (progress.total, progress.cached, len(written))
                    events += await done(Finish("stop", *counts, clock.prompt_s, clock.decode_s))
                yield events
                if stopped:
                    return


async def _with_media(client: Client, prompt: str, images: Sequence[bytes]) -> tuple[str, list[str]]:
    """The prompt with the engine's marker for each image, and the images in that order.

    Raises InvalidInput for an image that has no place, and for one that nothing follows: the engine ends with
    an assertion then, and every other request with it. Prompts that a client writes itself may be so.
    """
    if not images:
        return prompt, []
    marker = await client.media_marker()
    order: list[int] = []

    def mark(found: re.Match[str]) -> str:
        number = int(found[1])
        if number >= len(images):
            return found[0]
        order.append(number)
        return marker

    text = MARKER.sub(mark, prompt)
    if missing := sorted(set(range(len(images))) - set(order)):
        raise InvalidInput(
            f"the prompt has no place for image {missing[0] + 1}: write [img-{missing[0]}] there"
        )
    if text.endswith(marker):
        raise InvalidInput("the prompt ends with an image: write some text after it")
    return text, [base64.b64encode(images[number]).decode() for number in order]


def json_problem(run: Run, reason: str, text: str, stop: str) -> str:
    """Why a text that a grammar held is no complete JSON; empty where it is complete.

    `reason` is that of its end, `stop` what a `stop` that came too early must have been.
    """
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        if reason == "length":
            return run.limit_reached("its JSON was complete" if text else "it began")
        return f"the answer ended before its JSON was complete: {stop}"
    return ""


class _Clock:
    """Seconds of reading and of writing, which the engine tells only of an answer that it ends itself."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self._began = self._first = self._now()
        self._writes = False

    def write(self) -> None:
        """A piece was written."""
        if not self._writes:
            self._writes, self._first = True, self._now()

    @property
    def prompt_s(self) -> float:
        return self._first - self._began

    @property
    def decode_s(self) -> float:
        return self._now() - self._first if self._writes else 0.0


class _Guard:
    """Notices a model that writes the same piece over and over."""

    def __init__(self) -> None:
        self._last = ""
        self._count = 0

    def see(self, piece: str) -> None:
        text = piece.strip()
        self._count = self._count + 1 if text and text == self._last else 0
        self._last = text

    @property
    def tripped(self) -> bool:
        return self._count > _MAX_EQUAL_PIECES
