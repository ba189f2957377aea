"""The engine's HTTP protocol as methods, one connection a request: next to free over a Unix socket.

Source of the routes and fields: the documentation of llama.cpp's server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from corral.core.events import TokenLogprob
from corral.engine.pieces import Chunk, Finish, PrefillProgress, TextPiece, ToolCallDelta
from corral.engine.requests import ChatCompletion, Completion, adapter_fields
from corral.engine.transport import Exchange
from corral.errors import EngineError, InvalidInput, RunnerCrashed


class _Timings(msgspec.Struct):
    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0
    draft_n: int = 0
    draft_n_accepted: int = 0


class _Progress(msgspec.Struct):
    total: int = 0
    cache: int = 0
    processed: int = 0


class _Probability(msgspec.Struct):
    token: str = ""
    logprob: float | None = None
    top_logprobs: list[_Probability] = []


class _CompletionEvent(msgspec.Struct):
    content: str = ""
    stop: bool = False
    stop_type: str = ""
    stopping_word: str = ""
    tokens_evaluated: int = 0
    tokens_predicted: int = 0
    truncated: bool = False
    timings: _Timings | None = None
    prompt_progress: _Progress | None = None
    completion_probabilities: list[_Probability] | None = None
    error: Any = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _CallDelta(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_CallDelta] | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Probability] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _ChatEvent(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    timings: _Timings | None = None
    prompt_progress: _Progress | None = None
    error: Any = None


E = TypeVar("E", _CompletionEvent, _ChatEvent)

# The engine passes on numbers among the texts that it cuts into tokens. No token has this one.
_BETWEEN = -1

_completion_events = msgspec.json.Decoder(_CompletionEvent)
_chat_events = msgspec.json.Decoder(_ChatEvent)


class Client:
    """Speaks to one child at `address`: `unix:///path.sock` or `http://host:port`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._marker: str | None = None
        self._bos_text: str | None = None

    async def complete(self, request: Completion) -> AsyncGenerator[list[Chunk], None]:
        """Continue a text. Each batch holds all chunks that were there at once; the last chunk is a Finish.

        Closing the generator ends the request in the engine. Raises EngineError, RunnerCrashed.
        """
        reader = _CompletionReader()
        async for batch in self._stream("/completion", request.body(), _completion_events, reader.chunks):
            yield batch

    async def chat(self, request: ChatCompletion) -> AsyncGenerator[list[Chunk], None]:
        """Answer a conversation; as `complete`."""
        reader = _ChatReader()
        body = request.body()
        async for batch in self._stream("/v1/chat/completions", body, _chat_events, reader.chunks):
            yield batch

    async def tokenize(self, text: str, *, add_special: bool = False) -> list[int]:
        body = {"content": text, "add_special": add_special, "parse_special": True}
        found: list[int] = (await self._call("/tokenize", body))["tokens"]
        return found

    async def tokenize_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, without those that stand around a whole prompt; one request for all."""
        content = [part for text in texts for part in (text, _BETWEEN)]
        body = {"content": content, "add_special": False, "parse_special": True}
        found: list[list[int]] = [[]]
        for token in (await self._call("/tokenize", body))["tokens"]:
            if token == _BETWEEN:
                found.append([])
            else:
                found[-1].append(token)
        return found[:-1]

    async def detokenize(self, tokens: Sequence[int]) -> str:
        """The text of `tokens`. Raises InvalidInput where one is none of the model's, RunnerCrashed."""
        try:
            return str((await self._call("/detokenize", {"tokens": list(tokens)}))["content"])
        except EngineError:
            raise InvalidInput("not all of these numbers are tokens of the model") from None

    async def apply_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] = (),
        values: Mapping[str, Any] | None = None,
        *,
        opens_answer: bool = True,
    ) -> str:
        """The prompt that `chat` would use; without `opens_answer` it ends with the last message."""
        body: dict[str, Any] = {"messages": list(messages), "chat_template_kwargs": dict(values or {})}
        if not opens_answer:
            body["add_generation_prompt"] = False
        if tools:
            body["tools"] = list(tools)
        return str((await self._call("/apply-template", body))["prompt"])

    async def count_media(self, messages: Sequence[Mapping[str, Any]]) -> int:
        """The tokens of the images and recordings in `messages`, which have no text."""
        bare = [{**message, "content": ""} for message in messages]
        return await self._count(messages) - await self._count(bare)

    async def _count(self, messages: Sequence[Mapping[str, Any]]) -> int:
        found = await self._call("/v1/chat/completions/input_tokens", {"messages": list(messages)})
        return int(found["input_tokens"])

    async def embed(self, inputs: Sequence[list[int]], *, normalize: bool) -> list[list[float]]:
        """One vector for each list of tokens; raw as the model gives it, or of length 1."""
        body = {"content": list(inputs), "embd_normalize": 2 if normalize else -1}
        found = await self._call("/embedding", body)
        return [item["embedding"][0] for item in sorted(found, key=lambda item: item["index"])]

    async def rerank(self, query: str, documents: Sequence[str]) -> tuple[list[float], int]:
        """A score for each document, in their order, and the tokens that were read."""
        found = await self._call("/v1/rerank", {"query": query, "documents": list(documents)})
        results = sorted(found["results"], key=lambda result: result["index"])
        return [result["relevance_score"] for result in results], found["usage"]["prompt_tokens"]

    async def save_slot(self, slot: int, name: str) -> None:
        """Write the state of an idle slot to a file in the child's folder for them. Raises EngineError."""
        await self._call(f"/slots/{slot}?action=save", {"filename": name})

    async def restore_slot(self, slot: int, name: str) -> None:
        """The contrary. A file that does not fit leaves the slot empty. Raises EngineError.

        Damage within the numbers of a state goes unnoticed: who calls has checked the file.
        """
        await self._call(f"/slots/{slot}?action=restore", {"filename": name})

    async def erase_slot(self, slot: int) -> None:
        """Forget what an idle slot holds."""
        await self._call(f"/slots/{slot}?action=erase", {})

    async def set_adapters(self, slot: int, scales: Sequence[float]) -> None:
        """Give an idle slot the strengths of the adapters that the next request brings.

        With other ones than the request before a slot forgets what it holds. So does it here.
        """
        body = {
            "prompt": "a",
            "n_predict": 0,
            "cache_prompt": False,
            "id_slot": slot,
            "lora": adapter_fields(scales),
        }
        await self.erase_slot(slot)  # an empty one takes nothing from the prompts in memory
        await self._call("/completion", body)

    async def likeliest(self, tokens: Sequence[int], count: int) -> dict[int, float]:
        """The log-probabilities of the `count` likeliest tokens after `tokens`, by their ids.

        `tokens` is the whole prompt: nothing is put before it. Raises EngineError, RunnerCrashed.
        """
        # A token that ends the text, or is half a character, would hide the probabilities: another is forced.
        # They are told as they were before that.
        letter = (await self.tokenize("a"))[-1]
        body: dict[str, Any] = {
            "prompt": list(tokens),
            "n_predict": 1,
            "n_probs": count,
            "temperature": 0,
            "cache_prompt": False,
            "logit_bias": [[letter, 1000]],
        }
        found = (await self._call("/completion", body))["completion_probabilities"][0]["top_logprobs"]
        return {entry["id"]: entry["logprob"] for entry in found}

    async def media_marker(self) -> str:
        """The text that stands for an image in a prompt; it may differ from child to child."""
        if self._marker is None:
            self._marker = str((await self.props()).get("media_marker") or "<__media__>")
        return self._marker

    async def bos_text(self) -> str:
        """The text of the token (BOS) that the engine puts before every prompt; empty where it puts none."""
        if self._bos_text is None:
            adds = await self.tokenize("", add_special=True)
            self._bos_text = str((await self.props()).get("bos_token") or "") if adds else ""
        return self._bos_text

    async def props(self) -> dict[str, Any]:
        found: dict[str, Any] = await self._call("/props", None)
        return found

    async def healthy(self, timeout_s: float = 10.0) -> bool:
        """Whether the child answers that it is ready."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._call("/health", None)
        except (TimeoutError, EngineError, RunnerCrashed):
            return False
        return True

    async def _call(self, path: str, body: object) -> Any:
        """A whole JSON answer; GET when there is no body."""
        async with await self._open(path, body) as exchange:
            status = await exchange.head()
            data = await exchange.read_all()
        if status >= 400:
            raise _error(data, status)
        return msgspec.json.decode(data)

    async def _stream(
        self,
        path: str,
        body: Mapping[str, Any],
        decoder: msgspec.json.Decoder[E],
        chunks: Callable[[E], list[Chunk]],
    ) -> AsyncGenerator[list[Chunk], None]:
        async with await self._open(path, body) as exchange:
            status = await exchange.head()
            if status >= 400:
                raise _error(await exchange.read_all(), status)
            rest = b""
            while data := await exchange.read():
                *events, rest = (rest + data).split(b"\n\n")
                batch = [chunk for event in events for chunk in _decode(event, decoder, chunks)]
                if batch:
                    yield batch

    async def _open(self, path: str, body: object) -> Exchange:
        data = b"" if body is None else msgspec.json.encode(body)
        method = "GET" if body is None else "POST"
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n"
        )
        exchange = Exchange(head.encode() + data)
        loop = asyncio.get_running_loop()
        try:
            if self.address.startswith("unix://"):
                await loop.create_unix_connection(lambda: exchange, self.address.removeprefix("unix://"))
            else:
                host, _, port = self.address.removeprefix("http://").rpartition(":")
                await loop.create_connection(lambda: exchange, host, int(port))
        except OSError as error:
            raise RunnerCrashed from error
        return exchange


def _decode(
    event: bytes, decoder: msgspec.json.Decoder[E], chunks: Callable[[E], list[Chunk]]
) -> list[Chunk]:
    """The chunks of one server-sent event; none for pings and the closing mark."""
    line = event.lstrip(b"\n")
    if line.startswith(b"error: "):
        raise _error(line[7:], 500)
    if not line.startswith(b"data: ") or line == b"data: [DONE]":
        return []
    value = decoder.decode(line[6:])
    if value.error is not None:
        status = value.error.get("code", 500) if isinstance(value.error, dict) else 500
        raise _error(msgspec.json.encode({"error": value.error}), status)
    return chunks(value)


def _error(body: bytes, status: int) -> EngineError:
    return EngineError(body.decode("utf-8", "replace").strip() or f"status {status}", status=status)


class _CompletionReader:
    """Holds a token without text back until it is clear that it does not end the answer.

    The end token is reported like any other, but its log-probability is no part of the text.
    """

    def __init__(self) -> None:
        self._held: list[Chunk] = []

    def chunks(self, event: _CompletionEvent) -> list[Chunk]:
        if event.prompt_progress is not None:
            progress = event.prompt_progress
            return [PrefillProgress(progress.total, progress.cache, progress.processed)]
        piece = TextPiece(event.content, False, _logprobs(event.completion_probabilities))
        held, self._held = self._held, []
        if not event.stop:
            if not event.content:
                self._held = [*held, piece]
                return []
            return [*held, piece]
        reason = "length" if event.stop_type == "limit" else "stop"
        text: list[Chunk] = [piece] if event.content else []
        if event.stop_type != "eos":
            text = [*held, *text]
        return [*text, _finish(reason, event.timings, event.tokens_evaluated, event.tokens_predicted, event)]


class _ChatReader:
    """Joins the last chunks: the finish reason comes in one, the counts in the next."""

    def __init__(self) -> None:
        self._reason = ""

    def chunks(self, event: _ChatEvent) -> list[Chunk]:
        if event.prompt_progress is not None:
            progress = event.prompt_progress
            return [PrefillProgress(progress.total, progress.cache, progress.processed)]
        out: list[Chunk] = []
        for choice in event.choices:
            out += self._choice(choice)
        if event.usage is not None:
            usage = event.usage
            reason = "length" if self._reason == "length" else "stop"
            out.append(_finish(reason, event.timings, usage.prompt_tokens, usage.completion_tokens))
        return out

    def _choice(self, choice: _Choice) -> list[Chunk]:
        out: list[Chunk] = []
        delta = choice.delta
        logprobs = _logprobs(choice.logprobs.content if choice.logprobs else None)
        if delta.reasoning_content:
            out.append(TextPiece(delta.reasoning_content, True, logprobs))
            logprobs = ()
        if delta.content or logprobs:
            out.append(TextPiece(delta.content or "", False, logprobs))
        for call in delta.tool_calls or ():
            function = call.function
            out.append(
                ToolCallDelta(call.index, call.id or "", function.name or "", function.arguments or "")
            )
        self._reason = choice.finish_reason or self._reason
        return out


def _finish(
    reason: str,
    timings: _Timings | None,
    prompt_tokens: int,
    completion_tokens: int,
    event: _CompletionEvent | None = None,
) -> Finish:
    times = timings or _Timings()
    return Finish(
        reason=reason,
        prompt_tokens=prompt_tokens,
        cached_tokens=times.cache_n,
        completion_tokens=completion_tokens,
        prompt_s=times.prompt_ms / 1000,
        decode_s=times.predicted_ms / 1000,
        stop_word=event.stopping_word if event else "",
        truncated=event.truncated if event else False,
        guessed_tokens=times.draft_n,
        right_tokens=times.draft_n_accepted,
    )


def _logprobs(entries: Sequence[_Probability] | None) -> tuple[TokenLogprob, ...]:
    return tuple(_logprob(entry) for entry in entries) if entries else ()


def _logprob(entry: _Probability) -> TokenLogprob:
    top = tuple(_logprob(other) for other in entry.top_logprobs)
    # A probability of zero has no finite logarithm; JSON has none for minus infinity.
    return TokenLogprob(entry.token, entry.logprob if entry.logprob is not None else -1e9, top)
