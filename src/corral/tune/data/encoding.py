"""Rows as tokens: prompts as serving sends them, answers as the model should write them."""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from corral.core.model import Model
from corral.engine import Client
from corral.prompt import chat_messages
from corral.serving.checks import effective_think
from corral.tune.data.ends import end_tokens
from corral.tune.data.fields import BadRow
from corral.tune.data.rendering import Asked, Renderer, renderer_for
from corral.tune.data.rows import Row
from corral.tune.data.sequences import TokenSequence


@dataclass(frozen=True, slots=True)
class Marked:
    """Tokens, and for each a byte: 1 where it is to be learnt."""

    tokens: list[int]
    trained: bytes

    def followed_by(self, other: Marked) -> Marked | None:
        """`other` with what is learnt here too, where it goes on from here; None where it does not."""
        length = len(self.tokens)
        if other.tokens[:length] != self.tokens:
            return None
        return Marked(other.tokens, self.trained + other.trained[length:])

    def sequence(self, row: int) -> TokenSequence:
        return TokenSequence(array("i", self.tokens), self.trained, row)


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One row: its sequences as they are trained, and the tokens of each before any was cut.

    `num_cut` went without their oldest turns, or in pieces; `num_lost` are too long whatever is cut.
    `is_unreasoned`: it teaches a base that reasons to answer at once, and does not say that this is meant.
    `is_reasoned`: it has the base's own reasoning in one sequence, and none in another.
    """

    parts: tuple[Marked, ...]
    lengths: tuple[int, ...]
    num_cut: int = 0
    num_lost: int = 0
    is_unreasoned: bool = False
    is_reasoned: bool = False


# What the base thinks before the last answer of a row; empty where it does not come to an end.
Reason = Callable[[Row], Awaitable[str]]


class Encoder:
    """Encodes rows for one model; `client` is of an engine that was started without `prefill`."""

    def __init__(self, model: Model, client: Client, max_length: int, reason: Reason | None = None) -> None:
        self._model = model
        self._client = client
        self._max_length = max_length
        self._reason = reason
        self._before: list[int] = []  # what serving puts around a prompt
        self._after: list[int] = []
        self._bos_text = ""
        self._ends: dict[str, int] = {}  # the tokens that end an answer, by their text

    async def prepare(self) -> None:
        """Ask the engine about its vocabulary, once, before any row."""
        assert self._model.weights is not None
        bare = await self._client.tokenize("a")
        around = await self._client.tokenize("a", add_special=True)
        at = next(at for at in range(len(around)) if around[at : at + len(bare)] == bare)
        self._before, self._after = around[:at], around[at + len(bare) :]
        self._bos_text = await self._client.bos_text()
        ends = await end_tokens(self._model.weights, self._client)
        texts = [await self._client.detokenize([end]) for end in ends]
        self._ends = {text: end for text, end in zip(texts, ends, strict=True) if text.strip()}
        self._renderer: Renderer = renderer_for(self._model, self._client, tuple(self._ends))

    async def encode(self, row: Row) -> EncodedRow:
        """Raises BadRow where the row cannot be learnt."""
        if row.text:
            return await self._text(row.text)
        self._check(row)
        whole, reasoned = await self._conversation(row), None
        if is_unreasoned := self._is_unreasoned(row):
            reasoned = await self._reasoned(row)
        if reasoned is not None:
            row = replace(row, think=False)
            whole = await self._conversation(row)
        fitted = [await self._fitted(row, part) for part in whole]
        if reasoned is not None and reasoned.length <= self._max_length:
            whole.append(reasoned)
            fitted.append([reasoned.marked])
        kept = [marked for found in fitted for marked in found]
        if not kept:
            raise BadRow(f"longer than {self._max_length} tokens, even without its earlier turns")
        return EncodedRow(
            tuple(kept),
            tuple(part.length for part in whole),
            num_cut=sum(
                part.length > self._max_length and bool(found)
                for part, found in zip(whole, fitted, strict=True)
            ),
            num_lost=fitted.count([]),
            is_unreasoned=is_unreasoned and reasoned is None,
            is_reasoned=reasoned is not None,
        )

    # Rows without reasoning, of a base that reasons

    def _is_unreasoned(self, row: Row) -> bool:
        return (
            row.think is None
            and self._model.can("thinking")
            and not any(message.thinking for message in row.messages)
        )

    async def _reasoned(self, row: Row) -> _Part | None:
        """The last answer behind the base's own reasoning; None where there is none that can be learnt."""
        thoughts = await self._reason(row) if self._reason is not None else ""
        if not thoughts:
            return None
        last = len(row.messages) - 1
        answer = replace(row.messages[last], thinking=thoughts)
        given = frozenset(range(last))
        try:
            (part,) = await self._conversation(
                replace(row, messages=(*row.messages[:last], answer), untrained=given)
            )
        except BadRow:
            return None
        return part

    # Conversations

    async def _conversation(self, row: Row) -> list[_Part]:
        """One sequence where each prompt goes on from the answer before it, else one for each answer."""
        parts: list[_Part] = []
        for at, message in enumerate(row.messages):
            if message.role == "assistant" and at not in row.untrained:
                marked = await self._turn(row, at)
                longer = parts[-1].marked.followed_by(marked) if parts else None
                if longer is not None:
                    parts[-1] = _Part(longer, (*parts[-1].turns, at))
                else:
                    parts.append(_Part(marked, (at,)))
        return parts

    async def _turn(self, row: Row, at: int) -> Marked:
        """The answer at this place, behind its prompt."""
        think = effective_think(self._model, "", row.think, lenient=True)
        asked = Asked(tuple(chat_messages(self._model, row.messages[:at])), row.tools, think)
        prompt = await self._renderer.prompt(asked)
        written = await self._renderer.answer(prompt, asked, row.messages[at])
        before = prompt.removeprefix(self._bos_text)
        prompt_tokens, together = await self._client.tokenize_all([before, before + written.text])
        if together[: len(prompt_tokens)] == prompt_tokens:
            answer_tokens = together[len(prompt_tokens) :]
        else:  # a token would reach over the border, which generation cannot
            answer_tokens = await self._continuation(written.text)
        answer_tokens += [self._ends[written.end]] if written.end else self._first_end
        sent = [*self._before, *prompt_tokens, *self._after]
        return Marked(sent + answer_tokens, bytes(len(sent)) + b"\1" * len(answer_tokens))

    async def _continuation(self, text: str) -> list[int]:
        """The tokens of a text that goes on from another one.

        Behind a new line, as some tokenizers begin every text with a space; alone where it begins with one.
        """
        line, behind, alone = await self._client.tokenize_all(["\n", f"\n{text}", text])
        return behind[len(line) :] if behind[: len(line)] == line else alone

    @property
    def _first_end(self) -> list[int]:
        """What ends an answer where no template says it; nothing where the model knows no end."""
        return list(self._ends.values())[:1]

    async def _fitted(self, row: Row, part: _Part) -> list[Marked]:
        """The part as it is, or without as few of its oldest turns as will do; nothing where none will."""
        if part.length <= self._max_length:
            return [part.marked]
        last = part.turns[-1]
        starts = [at for at, message in enumerate(row.messages[:last]) if message.role == "user"][1:]
        best: list[Marked] = []
        low, high = 0, len(starts)
        while low < high:
            middle = (low + high) // 2
            found = await self._without_turns(row, part, starts[middle])
            if all(len(marked.tokens) <= self._max_length for marked in found):
                best, high = found, middle
            else:
                low = middle + 1
        return best

    async def _without_turns(self, row: Row, part: _Part, first: int) -> list[Marked]:
        """As serving cuts a prompt that is too long: system messages stay, others go from the front."""
        kept = [at for at in range(part.turns[-1] + 1) if at >= first or row.messages[at].role == "system"]
        shorter = replace(
            row,
            messages=tuple(row.messages[at] for at in kept),
            untrained=frozenset(place for place, at in enumerate(kept) if at not in part.turns),
        )
        return [found.marked for found in await self._conversation(shorter)]

    def _check(self, row: Row) -> None:
        calls = any(message.tool_calls for message in row.messages)
        if (calls or row.tools) and not self._model.can("tools"):
            raise BadRow("it has tools, which this base cannot use")
        if calls and not row.tools:
            raise BadRow("it has tool calls and declares no tools: nobody would read them")
        thinks = any(message.thinking for message in row.messages)
        if thinks and not self._model.can("thinking"):
            raise BadRow("it has reasoning, which this base does not know: take it out of the rows")
        for text in self._ends:
            if any(text in f"{message.thinking}\n{message.content}" for message in row.messages):
                raise BadRow(f"a message has {text} in its text, which ends an answer of this base")

    # Texts

    async def _text(self, text: str) -> EncodedRow:
        """The whole text and its end, in pieces where it is longer than a sequence may be."""
        (tokens,) = await self._client.tokenize_all([text.removeprefix(self._bos_text)])
        if tokens[-1] not in self._ends.values():
            tokens = [*tokens, *self._first_end]
        room = self._max_length - len(self._before)
        pieces = [tokens[at : at + room] for at in range(0, len(tokens), room)]
        given = bytes(len(self._before))
        return EncodedRow(
            tuple(Marked([*self._before, *piece], given + b"\1" * len(piece)) for piece in pieces),
            (len(self._before) + len(tokens),),
            num_cut=len(pieces) > 1,
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """A sequence, and the places of the answers that are learnt in it."""

    marked: Marked
    turns: tuple[int, ...]

    @property
    def length(self) -> int:
        return len(self.marked.tokens)
