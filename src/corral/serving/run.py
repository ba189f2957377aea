"""One request on a leased runner: what has been decided about it, and how much its window holds."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from corral.answer import AnswerParser, PlainParser, family_parser, generic_parser
from corral.cache import Prefix, Realm, Seat, media_blocks, token_blocks
from corral.core import gojson
from corral.core.events import Cut, TokenLogprob, Usage
from corral.core.messages import Message, Tool
from corral.core.model import Model, PromptMode
from corral.core.options import Options
from corral.core.requests import GenerationRequest, Think
from corral.engine import Client, Finish, Sampling, TextPiece
from corral.errors import EngineError, PromptTooLong, TemplateError
from corral.prompt import IMAGE_TOKENS, fit, prompt_opens_thinking, template_of
from corral.scheduler import Lease
from corral.serving.counting import TokenCounter
from corral.serving.meter import Meter

log = logging.getLogger("corral.serving")

# The engine hands out its context window in steps of this many tokens.
_CONTEXT_STEP = 256

TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; shorten the prompt, "
    "adjust the context length in settings, or use a model with a longer context length"
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that the window holds; without `tokens` nobody counted. `was_cut`: its middle is missing."""

    text: str
    tokens: tuple[int, ...] = ()
    was_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A request with all that has been decided about it.

    `load_s` is how long it took from its arrival to a ready runner. `owner` is the id of the API key whose
    requests may use its prompt, None for all without one.
    """

    model: Model
    options: Options
    lease: Lease
    request: GenerationRequest
    think: Think
    adapter_scales: tuple[float, ...]
    meter: Meter
    load_s: float
    counter: TokenCounter
    owner: int | None = None

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

    @asynccontextmanager
    async def seated(
        self, prompt: str, *, tokens: Sequence[int] = (), media: Sequence[bytes] = ()
    ) -> AsyncIterator[Seat]:
        """A slot for a prompt; its `tokens` spare asking for them, `media` are the files in it."""
        realm = Realm(self.owner, self.adapter_scales)
        if media:
            prefix = Prefix(realm=realm, blocks=media_blocks(prompt, media), has_media=True)
        else:
            found = tokens or await self.client.tokenize(prompt)
            prefix = Prefix(realm=realm, blocks=token_blocks(found))
        seats = self.lease.runner.seats
        seat = await seats.take(prefix)
        try:
            yield seat
        finally:
            seats.leave(seat)

    def sampling(self, num_prompt_tokens: int = 0, slot: int | None = None) -> Sampling:
        """Without context shift the answer ends with this request's window, even on a larger runner."""
        sampling = Sampling.of(
            self.options,
            self.lease.num_ctx,
            logprobs=self.request.logprobs,
            top_logprobs=self.request.top_logprobs,
            adapter_scales=self.adapter_scales,
            slot=slot,
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
            total_s=self.meter.elapsed_s,
            guessed_tokens=finish.guessed_tokens,
            right_tokens=finish.right_tokens,
        )

    async def size(self, text: str) -> int:
        """How many tokens a prompt has; where it surely fits, whatever they are, only an upper bound."""
        # What images take comes on top, so there is no telling what fits beside them.
        return await self.counter.size(text, 0 if self.image_tokens else self.lease.num_ctx)

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

    async def fit(
        self,
        messages: Sequence[Message],
        count: Callable[[Sequence[Message]], Awaitable[int]],
        *,
        native: bool = False,
    ) -> list[Message]:
        """Those messages that the window holds, where the request allows to leave some out."""

        async def counted(some: Sequence[Message]) -> int | None:
            try:
                return await count(some)
            except (EngineError, TemplateError):
                if len(some) == len(messages):
                    raise
                return None  # some templates refuse a conversation that begins with an answer

        if not self.request.truncate:
            return list(messages)
        limit = self.lease.num_ctx
        return await fit(messages, limit, counted, image_tokens=self.image_tokens, native=native)

    def cut(self, num_messages: int, *, in_prompt: bool = False) -> Cut | None:
        """What the model does not get to see, for the last record and the log; None where it sees all."""
        if not (num_messages or in_prompt):
            return None
        limit = self.lease.num_ctx
        log.warning(
            "prompt cut: model=%s dropped_messages=%d middle_cut=%s limit=%d",
            self.model.name.short, num_messages, in_prompt, limit,
        )  # fmt: skip
        return Cut(limit, num_messages)

    def limit_reached(self, what: str) -> str:
        """The sentence for an answer that had no room left before `what`."""
        num_predict = self.options.num_predict
        limit = f"num_predict ({num_predict})" if num_predict > 0 else f"num_ctx ({self.lease.num_ctx})"
        return f"the answer was cut off before {what}: it reached the limit of tokens; raise {limit}"

    async def fitted(self, prompt: str, *, has_images: bool) -> Fitted:
        """The prompt cut to the window where the request allows that. Raises PromptTooLong, EngineError."""
        if has_images:
            return Fitted(prompt)
        tokens = await self.counter.tokens(prompt)
        whole = Fitted(prompt, tuple(tokens))
        limit = self.lease.num_ctx
        if len(tokens) < limit or self.request.debug_render_only:
            return whole
        if not self.request.truncate:
            self.check_window(len(tokens))
            return whole
        if not self.shifts:
            raise PromptTooLong(TOO_LONG)
        if len(tokens) == limit:
            return whole
        kept = cut_middle(tokens, limit, self.options.num_keep)
        return Fitted(await self.client.detokenize(kept), tuple(kept), was_cut=True)

    def parser(self, prompt: str, tools: Sequence[Tool], last: Message | None, *, raw: bool) -> AnswerParser:
        """Who reads the answer of a prompt that we rendered."""
        return answer_parser(self.model, prompt, tools, self.think, last, raw=raw)


def answer_parser(
    model: Model,
    prompt: str,
    tools: Sequence[Tool],
    think: Think,
    last: Message | None,
    *,
    raw: bool = False,
) -> AnswerParser:
    """Who reads what `model` answers to a prompt that we rendered; `last` is the message before the answer.

    Source: http-api.md 11.2.
    """
    if model.parser and not raw:
        return family_parser(model.parser, tools, think, last) or PlainParser()
    if model.mode is PromptMode.NATIVE or not model.template:
        return PlainParser()
    template = template_of(model.template)
    tags = template.thinking_tags() if think else None
    inside = tags is not None and prompt_opens_thinking(prompt, tags[0])
    return generic_parser(tags, inside, template.tool_tag() if tools else None, tools)


def shown_logprobs(piece: TextPiece, top: int) -> tuple[TokenLogprob, ...]:
    """The log-probabilities that the request asked for: the engine always sends at least one alternative."""
    if not piece.logprobs:
        return ()
    return tuple(replace(entry, top=entry.top[:top]) for entry in piece.logprobs)


def cut_middle(tokens: list[int], limit: int, num_keep: int) -> list[int]:
    """The first `num_keep` and the newest tokens, so that about half of the window stays free to write."""
    keep = len(tokens) if num_keep < 0 else num_keep
    keep = min(keep, max(limit - 4, 0))
    newest = max((limit - keep) // 2, 1)
    return tokens[:keep] + tokens[-newest:]
