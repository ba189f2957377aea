"""The prompt that serving makes of a conversation, and the answer as the model has to write it.

The same code renders as in serving: `prompt` for models with a TEMPLATE or a family, the engine with the
chat template of the weights for the others. An answer is what the text of the conversation with it has
more than the prompt before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from corral.core.messages import Message, Tool, ToolCall
from corral.core.model import Model, PromptMode
from corral.core.requests import Think
from corral.engine import Client
from corral.errors import CorralError, EngineError
from corral.prompt import native_messages, native_tools, prompt_for, template_arguments
from corral.serving.run import answer_parser
from corral.tune.data.fields import BadRow
from corral.tune.data.harmony import harmony_answer
from corral.tune.data.readback import problem_of
from corral.tune.data.written import TAGS, behind_mark, cut_at_end, written_after

# Conversations by which it is seen what a template writes behind an answer, and behind one with a call.
_MARK = "corral-probe"
_PROBES = (
    (Message("user", "a"), Message("assistant", _MARK), Message("user", "b")),
    (
        Message("user", "a"),
        Message("assistant", tool_calls=(ToolCall("probe", {"a": _MARK}),)),
        Message("tool", "b", tool_name="probe"),
    ),
)
_PROBE_TOOLS = (Tool("probe", "p", type="function"),)


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation up to an answer, with all that its prompt depends on."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    think: Think


@dataclass(frozen=True, slots=True)
class Written:
    """An answer, and the text of the token that ends it; empty: the first end that the model knows."""

    text: str
    end: str


class Renderer(Protocol):
    """One way to a prompt."""

    async def prompt(self, asked: Asked) -> str:
        """What serving sends. Raises BadRow where the model cannot be asked so."""

    async def answer(self, prompt: str, asked: Asked, answer: Message) -> Written:
        """What the model must write behind `prompt`.

        Raises BadRow where the template has no form for this answer, or nobody could read it back.
        """


def renderer_for(model: Model, client: Client | None, ends: Sequence[str]) -> Renderer:
    """`client` is of an engine that was started without `prefill`; `ends` are the texts of end tokens."""
    if model.mode is PromptMode.NATIVE:
        assert client is not None
        return _Native(client, model.network.chat_template, ends)
    return _Rendered(model, ends)


class _Native:
    """The engine renders with its own Jinja, and reads answers by what it knows of the template."""

    def __init__(self, client: Client, template: str, ends: Sequence[str]) -> None:
        self._client = client
        self._ends = ends
        self._known = [tags for tags in TAGS if tags.opening in template]

    async def prompt(self, asked: Asked) -> str:
        return await self._apply(native_messages(asked.messages), asked, opens_answer=True)

    async def answer(self, prompt: str, asked: Asked, answer: Message) -> Written:
        (turn,) = native_messages([answer])
        if answer.thinking:
            # History comes without; here it is what is to be learnt.
            turn["reasoning_content"] = answer.thinking
        whole = await self._apply([*native_messages(asked.messages), turn], asked, opens_answer=False)
        text, end = cut_at_end(written_after(prompt, whole, answer), self._ends)
        if answer.thinking.strip() not in text:
            if not self._known:
                raise BadRow("it has reasoning, which the chat template of this base does not write")
            text = self._known[0].whole(answer.thinking) + text
        parts = [answer.content.strip(), *(call.name for call in answer.tool_calls)]
        if not all(part in text for part in parts):
            raise BadRow("the chat template does not write the answer as it is")
        return Written(text, end)

    async def _apply(self, messages: Sequence[dict[str, object]], asked: Asked, *, opens_answer: bool) -> str:
        tools, values = native_tools(asked.tools), template_arguments(asked.think)
        try:
            return await self._client.apply_template(messages, tools, values, opens_answer=opens_answer)
        except EngineError as error:
            raise BadRow(f"the chat template refuses it: {_said(error)}") from error


class _Rendered:
    """We render, with the model's TEMPLATE or its family, and read with its parser."""

    def __init__(self, model: Model, ends: Sequence[str]) -> None:
        self._model = model
        self._ends = ends
        self._is_harmony = "harmony" in (model.parser, model.config.renderer)
        self._borders = [self._border(calls=calls) for calls in (False, True)]

    async def prompt(self, asked: Asked) -> str:
        return self._render(asked, *asked.messages)

    async def answer(self, prompt: str, asked: Asked, answer: Message) -> Written:
        problem = ""
        for text, end in self._forms(prompt, asked, answer):
            parser = answer_parser(self._model, prompt, asked.tools, asked.think, asked.messages[-1])
            found = problem_of(parser, text, answer)
            if not found:
                return Written(text, end)
            problem = problem or found
        raise BadRow(problem)

    def _forms(self, prompt: str, asked: Asked, answer: Message) -> list[tuple[str, str]]:
        """How the answer may have to be written, the likeliest first, each with its end."""
        if self._is_harmony:
            return [cut_at_end(harmony_answer(answer, asked.tools), self._ends)]
        only_last, closing = self._borders[bool(answer.tool_calls)]
        whole = self._render(asked, *asked.messages, answer)
        text, end = cut_at_end(written_after(prompt, whole, answer).removesuffix(only_last), self._ends)
        if not end:
            more, end = cut_at_end(closing, self._ends)
            text += more if end else ""
        if answer.thinking.strip() in text:
            return [(text, end)]
        # The template leaves reasoning out of what is history: the parser knows the family's form of it.
        return [(tags.whole(answer.thinking) + text, end) for tags in TAGS]

    def _border(self, *, calls: bool) -> tuple[str, str]:
        """What the template writes behind the last answer only, and only behind one that turns follow."""
        question, answer, next = _PROBES[calls]
        asked = Asked((question,), _PROBE_TOOLS if calls else (), None)
        try:
            last = self._render(asked, question, answer)
            followed = self._render(asked, question, answer, next)
        except BadRow:
            return "", ""
        if _MARK not in last or _MARK not in followed:
            return "", ""
        return behind_mark(last.rpartition(_MARK)[2], followed.rpartition(_MARK)[2])

    def _render(self, asked: Asked, *messages: Message) -> str:
        try:
            return prompt_for(self._model, messages, asked.tools, asked.think).text
        except CorralError as error:
            raise BadRow(f"the template refuses it: {error.message}") from error


def _said(error: EngineError) -> str:
    """The first line of what the engine says, without the JSON around it."""
    try:
        message = msgspec.json.decode(error.message)["error"]["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        message = error.message
    return str(message).partition("\n")[0]
