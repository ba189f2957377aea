"""The prompt that serving makes of a conversation, and the answer as the model has to write it.

The same code renders as in serving: `prompt` for models with a TEMPLATE or a family, the engine with the
chat template of the weights for the others. An answer is what the text of the conversation with it has
more than the prompt before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from corral.core.messages import Message, Tool, ToolCall
from corral.core.model import Model, PromptMode
from corral.core.requests import Think
from corral.engine import Client
from corral.errors import CorralError
from corral.prompt import native_messages, native_tools, prompt_for, template_arguments
from corral.serving.run import answer_parser
from corral.tune.data.fields import BadRow
from corral.tune.data.harmony import harmony_answer
from corral.tune.data.readback import check_read_back

_OPENING, _CLOSING = "<think>", "</think>"
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


class Renderer(Protocol):
    """One way to a prompt."""

    async def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
        """What serving sends. Raises BadRow where the model cannot be asked so."""

    async def answer(
        self, prompt: str, messages: Sequence[Message], tools: Sequence[Tool], think: Think
    ) -> str:
        """What follows `prompt` when the last of `messages` is the answer to it, up to its end or beyond.

        Raises BadRow where the template does not write the answer as it is.
        """

    async def closing(self, *, calls: bool) -> str:
        """What the template writes behind an answer, where `answer` does not hold it; or an empty text."""


def renderer_for(model: Model, client: Client) -> Renderer:
    """`client` is of an engine that was started without `prefill`."""
    return _Native(client, model) if model.mode is PromptMode.NATIVE else _Rendered(model)


class _Native:
    """The engine renders with its own Jinja."""

    def __init__(self, client: Client, model: Model) -> None:
        self._client = client
        self._template = model.network.chat_template

    async def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
        return await self._apply(native_messages(messages), tools, think, opens_answer=True)

    async def answer(
        self, prompt: str, messages: Sequence[Message], tools: Sequence[Tool], think: Think
    ) -> str:
        *before, last = messages
        (turn,) = native_messages([last])
        if last.thinking:
            # History comes without; here it is what is to be learnt.
            turn["reasoning_content"] = last.thinking
        sent = [*native_messages(before), turn]
        whole = await self._apply(sent, tools, think, opens_answer=False)
        return _written(prompt, whole, last, opening=_OPENING if _OPENING in self._template else "")

    async def closing(self, *, calls: bool) -> str:
        return ""

    async def _apply(
        self,
        messages: Sequence[dict[str, object]],
        tools: Sequence[Tool],
        think: Think,
        *,
        opens_answer: bool,
    ) -> str:
        values = template_arguments(think)
        try:
            return await self._client.apply_template(
                messages, native_tools(tools), values, opens_answer=opens_answer
            )
        except CorralError as error:
            raise BadRow(f"the chat template refuses it: {_short(error)}") from error


class _Rendered:
    """We render, with the model's TEMPLATE or its family."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._is_harmony = "harmony" in (model.parser, model.config.renderer)
        self._tails: list[str] | None = None

    async def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
        try:
            return prompt_for(self._model, messages, tools, think).text
        except CorralError as error:
            raise BadRow(f"the template refuses it: {_short(error)}") from error

    async def answer(
        self, prompt: str, messages: Sequence[Message], tools: Sequence[Tool], think: Think
    ) -> str:
        *before, last = messages
        if self._is_harmony:
            return harmony_answer(last, tools)
        text = _written(prompt, await self.prompt(messages, tools, think), last, opening=_OPENING)
        if self._tails is None:
            self._tails = [(await self._ending(calls=calls))[0] for calls in (False, True)]
        text = text.removesuffix(self._tails[bool(last.tool_calls)])
        if last.tool_calls or last.thinking:
            parser = answer_parser(self._model, prompt, tools, think, before[-1])
            check_read_back(parser, text, last)
        return text

    async def closing(self, *, calls: bool) -> str:
        return "" if self._is_harmony else (await self._ending(calls=calls))[1]

    async def _ending(self, *, calls: bool) -> tuple[str, str]:
        """What the template writes behind the last answer, and what behind one that is followed by a turn.

        What both begin with belongs to the answer.
        """
        question, answer, next = _PROBES[calls]
        tools = _PROBE_TOOLS if calls else ()
        try:
            last = (await self.prompt([question, answer], tools, None)).rpartition(_MARK)[2]
            followed = (await self.prompt([question, answer, next], tools, None)).rpartition(_MARK)[2]
        except BadRow:
            return "", ""
        common = _num_common(last, followed)
        return last[common:], followed[common:]


def _written(prompt: str, whole: str, answer: Message, *, opening: str) -> str:
    """What `whole`, the conversation with its answer, has more than `prompt`.

    `opening` is the tag of reasoning where the template knows one. Raises BadRow.
    """
    opened = prompt.rstrip()
    if whole.startswith(prompt):
        text = whole[len(prompt) :]
    elif whole.startswith(opened):  # the template ends with white space of its own
        text = whole[len(opened) :].lstrip()
    else:
        text = _after_opened(prompt, whole, answer)
    thinking = answer.thinking.strip()
    if thinking and thinking not in text:
        if not opening:
            raise BadRow("it has reasoning, which the template of this base does not write")
        text = f"{opening}\n{thinking}\n{_CLOSING}\n\n{text}"
    if answer.content.strip() not in text:
        raise BadRow("the template does not write the answer as it is")
    return text


def _after_opened(prompt: str, whole: str, answer: Message) -> str:
    """The answer where the prompt opens the reasoning, perhaps closes it too, and `whole` leaves it out."""
    head, opening, opened = prompt.rpartition(_OPENING)
    if not opening or opened.strip() not in ("", _CLOSING) or not whole.startswith(head):
        raise BadRow("the template changes the question once it is answered")
    text = whole[len(head) :]
    if text.startswith(_OPENING):
        text = text.partition(_CLOSING)[2]
    text = text.lstrip("\n")
    return text if opened.strip() else f"{answer.thinking}\n{_CLOSING}\n\n{text}"


def _num_common(one: str, other: str) -> int:
    """How many characters two texts begin with together."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _short(error: CorralError) -> str:
    return error.message.partition("\n")[0][:200]
