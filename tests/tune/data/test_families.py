"""Answers in the form of a family or a template, read back by the parser that serves it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corral.answer import FAMILIES
from corral.core.manifest import ModelConfig
from corral.core.messages import Message, ToolCall, parse_tool
from corral.core.model import Model, PromptMode
from corral.prompt import RENDERERS
from corral.serving.run import answer_parser
from corral.tune.data.fields import BadRow
from corral.tune.data.readback import problem_of
from corral.tune.data.rendering import Asked, renderer_for
from tests.helpers.build_model import build_model

pytestmark = pytest.mark.anyio

# Renderers whose answers another family's parser reads.
PARSERS = {
    "qwen3.8": "qwen3.5",
    "deepseek3.1": "deepseek3",
    "olmo3.1": "olmo3",
    "olmo3-32b-think": "olmo3-think",
}
PARSERS |= {"gemma4-small": "gemma4", "gemma4-large": "gemma4"}
ENDS = ("<|im_end|>", "<｜end▁of▁sentence｜>", "<turn|>", "<|tool_response>", "<end_of_turn>", "<|user|>")
ENDS += ("<|observation|>", "</assistant>", "<|END_OF_TURN_TOKEN|>", "<|eot|>", "<|return|>", "<|call|>")

TOOL = parse_tool(
    {
        "type": "function",
        "function": {
            "name": "get",
            "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
        },
    }
)
CALL = (ToolCall("get", {"a": "x"}),)
TEXT = Message("assistant", "It is so.")
THOUGHT = Message("assistant", "It is so.", "Is it?")
CALLED = Message("assistant", tool_calls=CALL)
# Families whose form has no place for both.
NO_REASONED_CALLS = {"cogito", "cohere"}
# Templates that lack the end of a call: the model's own end follows.
NO_END_OF_CALLS = {"functiongemma"}


def model_of(family: str) -> Model:
    parser = PARSERS.get(family, family)
    config = ModelConfig(renderer=family, parser=parser, model_family="llama")
    return replace(build_model(), config=config, mode=PromptMode.FAMILY)


async def written(model: Model, answer: Message, think: bool | None, ends=ENDS):
    asked = Asked((Message("user", "Is it?"),), (TOOL,) if answer.tool_calls else (), think)
    renderer = renderer_for(model, None, ends)
    prompt = await renderer.prompt(asked)
    found = await renderer.answer(prompt, asked, answer)
    parser = answer_parser(model, prompt, asked.tools, think, asked.messages[-1])
    assert problem_of(parser, found.text, answer) == ""
    return found


@pytest.mark.parametrize("family", RENDERERS)
async def test_answers_are_written_as_their_family_reads_them(family: str):
    model = model_of(family)
    info = FAMILIES[model.parser]
    think = True if info.thinking else None
    text = await written(model, TEXT, think)
    assert text.end in ENDS
    assert text.text.strip().removesuffix("<|END_TEXT|>").endswith("It is so.")
    if info.thinking:
        assert "Is it?" in (await written(model, THOUGHT, think)).text
    if info.tools:
        call = await written(model, CALLED, think)
        assert (call.end in ENDS) != (family in NO_END_OF_CALLS)


@pytest.mark.parametrize(
    "family", sorted(name for name in RENDERERS if FAMILIES[model_of(name).parser].tools)
)
async def test_a_reasoned_call_is_written_or_refused(family: str):
    model = model_of(family)
    if not FAMILIES[model.parser].thinking:
        return
    answer = replace(CALLED, thinking="Is it?")
    if family in NO_REASONED_CALLS:
        with pytest.raises(BadRow, match="reasoning would not be read back"):
            await written(model, answer, True)
    else:
        await written(model, answer, True)


HARMONY = (
    "{{ range .Messages }}<|start|>{{ .Role }}<|message|>{{ .Content }}<|end|>{{ end }}<|start|>assistant"
)


@pytest.mark.parametrize(
    ("answer", "text", "end"),
    [
        (TEXT, "<|channel|>final<|message|>It is so.", "<|return|>"),
        (THOUGHT, "<|channel|>analysis<|message|>Is it?<|end|><|start|>assistant"
         "<|channel|>final<|message|>It is so.", "<|return|>"),
        (CALLED, '<|channel|>commentary to=functions.get <|constrain|>json<|message|>{"a":"x"}', "<|call|>"),
    ],
)  # fmt: skip
async def test_harmony_answers_end_as_the_model_ends_them(answer: Message, text: str, end: str):
    model = replace(build_model(), mode=PromptMode.HARMONY, template=HARMONY)
    found = await written(model, answer, True)
    assert (found.text, found.end) == (text, end)


async def test_two_calls_at_once_are_refused_where_a_family_makes_one():
    model = replace(build_model(), mode=PromptMode.HARMONY, template=HARMONY)
    with pytest.raises(BadRow, match="one call at a time"):
        await written(model, replace(CALLED, tool_calls=CALL * 2), True)


CHATML = (
    "{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}<|im_start|>{{ .Role }}\n"
    "{{ .Content }}{{ if .ToolCalls }}{{ range .ToolCalls }}<tool_call>\n"
    '{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}\n</tool_call>{{ end }}{{ end }}'
    '{{ if not (and $last (eq .Role "assistant")) }}<|im_end|>\n{{ end }}'
    '{{ if and $last (ne .Role "assistant") }}<|im_start|>assistant\n{{ end }}{{ end }}'
)
CALL_TEXT = '<tool_call>\n{"name": "get", "arguments": {"a":"x"}}\n</tool_call>'
CHATML_TURNS = "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}"
# Whatever came last, it opens an answer.
ALWAYS_OPEN = CHATML_TURNS + "<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("template", "answer", "text", "end"),
    [
        (CHATML, TEXT, "It is so.", "<|im_end|>"),
        (CHATML, CALLED, CALL_TEXT, "<|im_end|>"),
        (CHATML + "\n", CALLED, CALL_TEXT, "<|im_end|>"),
        # The file of the template ends with a new line, which the prompt then has too.
        (CHATML + "\n", TEXT, "It is so.", "<|im_end|>"),
        ("{{ if .System }}{{ .System }}\n{{ end }}Q: {{ .Prompt }}\nA: {{ .Response }}<|im_end|>\n", TEXT,
         "It is so.", "<|im_end|>"),
        # Old templates without an end leave it to the model.
        ("[INST] {{ .Prompt }} [/INST]", TEXT, "It is so.", ""),
        (ALWAYS_OPEN, TEXT, "It is so.", "<|im_end|>"),
    ],
)  # fmt: skip
async def test_answers_are_written_as_a_template_writes_them(
    template: str, answer: Message, text: str, end: str
):
    model = replace(build_model(), mode=PromptMode.TEMPLATE, template=template)
    found = await written(model, answer, None)
    assert (found.text, found.end) == (text, end)


PLAIN = "{{ range .Messages }}{{ .Role }}: {{ .Content }}\n{{ end }}"


@pytest.mark.parametrize(
    ("template", "answer", "problem"),
    [
        (PLAIN, CALLED, "tool calls would not be read back"),
        (PLAIN, THOUGHT, "reasoning would not be read back"),
        ("{{ len .Messages }} {{ range .Messages }}{{ .Content }}{{ end }}", TEXT,
         "changes the question once it is answered"),
        ("{{ range .Messages }}{{ if eq .Role \"user\" }}{{ .Content }}{{ end }}{{ end }}", TEXT,
         "does not write the answer"),
    ],
)  # fmt: skip
async def test_what_a_template_cannot_write_is_refused(template: str, answer: Message, problem: str):
    model = replace(build_model(), mode=PromptMode.TEMPLATE, template=template)
    with pytest.raises(BadRow, match=problem):
        await written(model, answer, None)
