"""One generation on a leased runner: what generate and chat share.

The text of a prompt goes in, batches of events come out, with the counts at the end.
"""

from __future__ import annotations

import base64
import logging
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from corral.answer import AnswerParser, PlainParser, family_parser, generic_parser
from corral.core import gojson
from corral.core.events import Done, Event, TokenLogprob, Usage
from corral.core.messages import Message, Tool
from corral.core.model import Model, PromptMode
from corral.core.options import Options
from corral.core.requests import Format, GenerationRequest, Think
from corral.engine import (
    Client,
    Completion,
    Finish,
    PrefillProgress,
    Sampling,
    TextPiece,
    json_grammar,
    schema_grammar,
)
from corral.errors import EngineError, PromptTooLong
from corral.prompt import IMAGE_TOKENS, prompt_opens_thinking, template_of
from corral.scheduler import Lease

log = logging.getLogger("corral.serving")

# The engine hands out its context window in steps of this many tokens.
_CONTEXT_STEP = 256
# So many equal pieces in a row are no answer any more. Source: http-api.md 8.12.
_MAX_EQUAL_PIECES = 30
# What stands for an image in a prompt that we rendered.
MARKER = re.compile(r"\[img-(\d+)\]")

TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; shorten the prompt, "
    "adjust the context length in settings, or use a model with a longer context length"
)

Finisher = Callable[[str], Awaitable[tuple[int, ...] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A request with all that has been decided about it.

    `began` is when it arrived (monotonic seconds), `load_s` how long it then took to get a ready runner.
    """

    model: Model
    options: Options
    lease: Lease
    request: GenerationRequest
    think: Think
    began: float
    load_s: float

    @property
    def client(self) -> Client:
        client: Client = self.lease.runner.client
        return client

    @property
    def shifts(self) -> bool:
        """Whether generation may go on past a full context window by dropping old tokens."""
        shift = self.request.shift
        return self.model.family != "deepseek2" if shift is None else shift

    @property
    def image_tokens(self) -> int:
        return IMAGE_TOKENS if self.model.projectors else 0

    @property
    def window(self) -> int:
        """The context window as the engine counts it."""
        return -(-self.lease.num_ctx // _CONTEXT_STEP) * _CONTEXT_STEP

    def sampling(self, num_prompt_tokens: int = 0) -> Sampling:
        """Without context shift the answer ends with this request's window, even on a larger runner."""
        sampling = Sampling.of(
            self.options,
            self.lease.num_ctx,
            logprobs=self.request.logprobs,
            top_logprobs=self.request.top_logprobs,
        )
        if self.shifts or not num_prompt_tokens:
            return sampling
        room = max(1, self.window - num_prompt_tokens)
        limit = room if sampling.num_predict < 0 else min(room, sampling.num_predict)
        return replace(sampling, num_predict=limit)

    def usage(self, finish: Finish) -> Usage:
        return Usage(
            prompt_tokens=finish.prompt_tokens,
            cached_tokens=finish.cached_tokens,
            completion_tokens=finish.completion_tokens,
            prompt_s=finish.prompt_s,
            decode_s=finish.decode_s,
            load_s=self.load_s,
            total_s=time.monotonic() - self.began,
        )

    async def count(self, text: str) -> int:
        return len(await self.client.tokenize(text))

    def check_window(self, num_tokens: int) -> None:
        """Refuse a prompt that this request's window cannot hold, in the engine's own words."""
        if num_tokens < self.window:
            return
        message = (
            f"request ({num_tokens} tokens) exceeds the available context size ({self.window} tokens), "
            "try increasing it"
        )
        error = {"code": 400, "message": message, "type": "exceed_context_size_error"}
        body = {"error": error | {"n_prompt_tokens": num_tokens, "n_ctx": self.window}}
        raise EngineError(gojson.encode(body).decode(), status=400)

    async def fitted(self, prompt: str, *, has_images: bool) -> tuple[str, int]:
        """The prompt cut to the window where the request allows that, and its tokens (0: not counted)."""
        if has_images:
            return prompt, 0
        tokens = await self.client.tokenize(prompt)
        limit = self.lease.num_ctx
        if len(tokens) < limit or self.request.debug_render_only:
            return prompt, len(tokens)
        if not self.request.truncate:
            self.check_window(len(tokens))
            return prompt, len(tokens)
        if not self.shifts:
            raise PromptTooLong(TOO_LONG)
        if len(tokens) == limit:
            return prompt, limit
        kept = cut_middle(tokens, limit, self.options.num_keep)
        return await self.client.detokenize(kept), len(kept)

    def parser(self, prompt: str, tools: Sequence[Tool], last: Message | None, *, raw: bool) -> AnswerParser:
        """Who reads the answer of a prompt that we rendered. Source: http-api.md 11.2."""
        if self.model.parser and not raw:
            found = family_parser(self.model.parser, tools, self.think, last)
            return found or PlainParser()
        if self.model.mode is PromptMode.NATIVE or not self.model.template:
            return PlainParser()
        template = template_of(self.model.template)
        tags = template.thinking_tags() if self.think else None
        inside = tags is not None and prompt_opens_thinking(prompt, tags[0])
        return generic_parser(tags, inside, template.tool_tag() if tools else None, tools)

    async def complete(
        self,
        prompt: str,
        images: Sequence[bytes],
        parser: AnswerParser,
        grammar: str,
        context: Finisher | None = None,
        num_prompt_tokens: int = 0,
    ) -> AsyncGenerator[list[Event], None]:
        """The events of a continued text. `context` makes the final token list of what was written."""
        text, media = await self._with_media(prompt, images)
        request = Completion(
            prompt=text, images=media, grammar=grammar, sampling=self.sampling(num_prompt_tokens)
        )
        written: list[str] = []
        guard = _Guard()
        progress = PrefillProgress(0, 0, 0)
        stream = self.client.complete(request)
        try:
            async for batch in stream:
                events: list[Event] = []
                for chunk in batch:
                    match chunk:
                        case TextPiece():
                            written.append(chunk.text)
                            guard.see(chunk.text)
                            events += parser.feed(chunk.text, self._shown(chunk))
                        case PrefillProgress():
                            progress = chunk
                        case Finish():
                            events += parser.finish()
                            tokens = await context("".join(written)) if context else None
                            events.append(Done(chunk.reason, self.usage(chunk), tokens))
                if guard.tripped:
                    log.warning("generation stopped: the model repeats itself")
                    finish = Finish("stop", progress.total, progress.cached, len(written), 0.0, 0.0)
                    events += [*parser.finish(), Done("stop", self.usage(finish))]
                yield events
                if guard.tripped:
                    return
        finally:
            await stream.aclose()

    def _shown(self, piece: TextPiece) -> tuple[TokenLogprob, ...]:
        return shown_logprobs(piece, self.request.top_logprobs)

    async def _with_media(self, prompt: str, images: Sequence[bytes]) -> tuple[str, list[str]]:
        """The prompt with the engine's marker for each image, and the images in that order."""
        if not images:
            return prompt, []
        marker = await self.client.media_marker()
        order: list[int] = []

        def mark(found: re.Match[str]) -> str:
            number = int(found[1])
            if number >= len(images):
                return found[0]
            order.append(number)
            return marker

        text = MARKER.sub(mark, prompt)
        return text, [base64.b64encode(images[number]).decode() for number in order]


def shown_logprobs(piece: TextPiece, top: int) -> tuple[TokenLogprob, ...]:
    """The log-probabilities that the request asked for: the engine always sends at least one alternative."""
    if not piece.logprobs:
        return ()
    return tuple(replace(entry, top=entry.top[:top]) for entry in piece.logprobs)


def grammar_for(format_: Format) -> str:
    """The grammar that holds an answer to `format`; empty when it is free. Raises InvalidInput."""
    if format_ is None:
        return ""
    return json_grammar() if isinstance(format_, str) else schema_grammar(format_)


def cut_middle(tokens: list[int], limit: int, num_keep: int) -> list[int]:
    """The first `num_keep` and the newest tokens, so that about half of the window stays free to write."""
    keep = len(tokens) if num_keep < 0 else num_keep
    keep = min(keep, max(limit - 4, 0))
    newest = max((limit - keep) // 2, 1)
    return tokens[:keep] + tokens[-newest:]


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
