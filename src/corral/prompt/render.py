"""Prompts that we render ourselves: with a model's TEMPLATE, or with the built-in renderer of its family."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from corral.answer import safe_names
from corral.core.messages import Message, Tool
from corral.core.model import Model, PromptMode
from corral.core.requests import Think
from corral.prompt.data import message_struct, think_values, tool_list
from corral.prompt.families import renderer
from corral.prompt.images import mark_images
from corral.template import Template

# What applies where a model has no template of any kind.
DEFAULT_TEMPLATE = "{{ .Prompt }}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """Text for the engine, and the images that its markers `[img-0]`, `[img-1]`... stand for, in order."""

    text: str
    images: tuple[bytes, ...] = ()


@functools.lru_cache(maxsize=64)
def template_of(text: str) -> Template:
    """The parsed template; kept, as a conversation renders it many times. Raises TemplateError."""
    return Template.parse(text)


@functools.lru_cache(maxsize=64)
def _cut(text: str) -> Template:
    return template_of(text).cut_response()


def prompt_for(
    model: Model,
    messages: Sequence[Message],
    tools: Sequence[Tool] = (),
    think: Think = None,
    *,
    mark: bool = True,
) -> Prompt:
    """The prompt of a conversation for a model that is not in native mode.

    Without `mark` images get no marker and are left out: the form whose tokens are counted to fit a window.
    Raises CorralError for an unknown renderer, TemplateError for a faulty template.
    """
    if model.config.renderer:
        render_family = renderer(model.config.renderer, model)
        images: tuple[bytes, ...] = ()
        if mark:
            messages, images = mark_images(messages, spaced=True)
        return Prompt(render_family(messages, tools, think), images)
    if model.mode is PromptMode.HARMONY:
        messages, tools = _with_safe_names(messages, tools)
        think = "high" if think == "max" else think
    return render(template_of(model.template or DEFAULT_TEMPLATE), messages, tools, think, mark=mark)


def render(
    template: Template,
    messages: Sequence[Message],
    tools: Sequence[Tool] = (),
    think: Think = None,
    *,
    mark: bool = True,
) -> Prompt:
    """The prompt that `template` makes of a conversation.

    A template that mentions messages is executed once, an older one once per turn, up to its first
    `.Response` for the last. Without `mark` images get no marker and are left out.
    Source: modelfile.md section 12. Raises TemplateError.
    """
    images: tuple[bytes, ...] = ()
    if mark:
        messages, images = mark_images(messages)
    system, turns = collate(messages)
    if "messages" not in template.variables:
        return Prompt(_render_turns(template, turns, think), images)
    data = {
        "System": system,
        "Messages": [message_struct(turn) for turn in turns],
        "Tools": tool_list(tools),
        "Response": "",
        **think_values(think),
    }
    return Prompt(template.execute(data), images)


def render_suffix(template: Template, prompt: str, suffix: str, think: Think = None) -> str:
    """The prompt for text between `prompt` and `suffix`."""
    return template.execute({"Prompt": prompt, "Suffix": suffix, "Response": "", **think_values(think)})


def collate(messages: Iterable[Message]) -> tuple[str, list[Message]]:
    """All system texts together, and the messages with neighbours of the same role made one.

    Results of tools stay apart. Texts are joined by a blank line.
    """
    system: list[str] = []
    turns: list[Message] = []
    for message in messages:
        if message.role == "system":
            system.append(message.content)
        if turns and turns[-1].role == message.role != "tool":
            turns[-1] = _joined(turns[-1], message)
        else:
            turns.append(message)
    return "\n\n".join(system), turns


def _joined(first: Message, second: Message) -> Message:
    return dataclasses.replace(
        first,
        content=f"{first.content}\n\n{second.content}",
        thinking=first.thinking or second.thinking,
        images=first.images + second.images,
        tool_calls=first.tool_calls + second.tool_calls,
    )


def _render_turns(template: Template, turns: Sequence[Message], think: Think) -> str:
    """A template of the older kind: it knows one system text, one prompt and one response at a time."""
    slots = {"System": "", "Prompt": "", "Response": ""}
    thinking = think_values(think)
    out: list[str] = []

    def flush() -> None:
        out.append(template.execute({**slots, **thinking}))
        slots.update(System="", Prompt="", Response="")

    for turn in turns:
        if turn.role == "system":
            if slots["Prompt"] or slots["Response"]:
                flush()
            slots["System"] = turn.content
        elif turn.role == "user":
            if slots["Response"]:
                flush()
            slots["Prompt"] = turn.content
        elif turn.role == "assistant":
            slots["Response"] = turn.content
    out.append(_cut(template.text).execute({**slots, **thinking}))
    return "".join(out)


def _with_safe_names(messages: Sequence[Message], tools: Sequence[Tool]) -> tuple[list[Message], list[Tool]]:
    """Tools under names that are identifiers, in their declarations and in the calls of history."""
    names = safe_names(tool.name for tool in tools)
    renamed = [dataclasses.replace(tool, name=names[tool.name]) for tool in tools]
    return [_renamed(message, names) for message in messages], renamed


def _renamed(message: Message, names: dict[str, str]) -> Message:
    if not message.tool_calls and not message.tool_name:
        return message
    calls = tuple(
        dataclasses.replace(call, name=names.get(call.name, call.name)) for call in message.tool_calls
    )
    tool_name = names.get(message.tool_name, message.tool_name)
    return dataclasses.replace(message, tool_calls=calls, tool_name=tool_name)


def prompt_opens_thinking(prompt: str, opening_tag: str) -> bool:
    """The prompt ends with the tag that opens reasoning, so the answer begins inside it."""
    return prompt.rstrip().endswith(opening_tag)
