"""What is done here for a prompt and for a piece of an answer: rendering and reading, without any engine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial

from bench.measure import Sample
from corral.answer import AnswerParser, ThinkingParser, ToolCallParser, family_parser
from corral.core.messages import Message, Tool, ToolCall, parse_tool
from corral.prompt import render, renderer, template_of

NUM_MESSAGES, NUM_TOOLS = 50, 20

# A template of the usual kind: tools as JSON, calls and results, reasoning of recent turns.
TEMPLATE = """{{- if or .System .Tools }}<|im_start|>system
{{ .System }}
{{- if .Tools }}

# Tools

<tools>
{{- range .Tools }}
{"type": "function", "function": {{ .Function }}}
{{- end }}
</tools>
{{- end }}<|im_end|>
{{ end }}
{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 -}}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ if and $.IsThinkSet .Thinking }}<think>{{ .Thinking }}</think>
{{ end }}{{ .Content }}
{{- if .ToolCalls }}{{ range .ToolCalls }}<tool_call>
{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}
</tool_call>{{ end }}{{ end }}{{ if not $last }}<|im_end|>
{{ end }}
{{- else if eq .Role "tool" }}<|im_start|>user
<tool_response>
{{ .Content }}
</tool_response><|im_end|>
{{ end }}
{{- if and (ne .Role "assistant") $last }}<|im_start|>assistant
{{ end }}
{{- end }}"""
_ARGUMENTS = '{"key_1": "a value of some words", "key_2": 2}'
_CALL = f'<tool_call>\n{{"name": "tool_3", "arguments": {_ARGUMENTS}}}\n</tool_call>'
_ANSWER = "<think>\n" + "why and how so " * 40 + "\n</think>\n\n" + "and then < some > text\n" * 60 + _CALL


def conversation() -> list[Message]:
    """Questions, calls, results and answers in turn, after a system text."""
    words = "some words that a person could say in a chat. " * 5
    turns = [
        Message("user", words),
        Message("assistant", thinking=words, tool_calls=(ToolCall("tool_3", {"key_1": words, "key_2": 2}),)),
        Message("tool", words, tool_name="tool_3"),
        Message("assistant", words, thinking=words),
    ]
    middle = (turns[at % 4] for at in range(NUM_MESSAGES - 2))
    return [Message("system", words), *middle, Message("user", words)]


def long_chat(model: str, words: int) -> bytes:
    """A request with 100 messages of so many words, to which the server answers with the prompt."""
    turns = [
        {"role": "assistant" if at % 2 else "user", "content": f"{at} " + "herd of horses " * (words // 3)}
        for at in range(99)
    ]
    body = {"model": model, "messages": [{"role": "system", "content": "Be brief."}, *turns]}
    return json.dumps({**body, "stream": False, "_debug_render_only": True}).encode()


def tools() -> list[Tool]:
    properties = {
        f"key_{at}": {"type": kind, "description": f"what {kind} it is"}
        for at, kind in enumerate(("string", "integer", "array", "boolean"))
    }
    parameters = {"type": "object", "required": ["key_1", "key_2"], "properties": properties}
    function = {"description": "does something that is told in one sentence", "parameters": parameters}
    named = ({"name": f"tool_{at}", **function} for at in range(NUM_TOOLS))
    return [parse_tool({"type": "function", "function": function}) for function in named]


def rendering(rounds: int) -> dict[str, Sample]:
    """Seconds for a prompt: with a TEMPLATE, and with the built-in renderers."""
    messages, declared = conversation(), tools()
    template = template_of(TEMPLATE)
    works: dict[str, Callable[[], object]] = {
        "a TEMPLATE": lambda: render(template, messages, declared, True)
    }
    for name in ("qwen3-coder", "gemma4"):
        works[f"renderer {name}"] = partial(renderer(name), messages, declared, True)
    return {name: Sample(tuple(_timed(work) for _ in range(rounds))) for name, work in works.items()}


def reading(rounds: int) -> dict[str, Sample]:
    """Seconds for one piece of an answer with reasoning and a call, cut as an engine would cut it."""
    pieces = [_ANSWER[at : at + 4] for at in range(0, len(_ANSWER), 4)]
    declared = tools()

    def family(name: str) -> AnswerParser:
        found = family_parser(name, declared, True, None)
        assert found is not None
        return found

    makers: dict[str, Callable[[], AnswerParser]] = {
        "thinking tags": lambda: ThinkingParser("<think>", "</think>"),
        "tool tag": lambda: ToolCallParser("<tool_call>", declared),
        "qwen3-thinking": lambda: family("qwen3-thinking"),
        "gemma4": lambda: family("gemma4"),
        "harmony": lambda: family("harmony"),
    }
    return {
        name: Sample(tuple(_one_answer(make(), pieces) for _ in range(rounds)))
        for name, make in makers.items()
    }


def _one_answer(parser: AnswerParser, pieces: Sequence[str]) -> float:
    def work() -> None:
        for piece in pieces:
            parser.feed(piece)
        parser.finish()

    return _timed(work) / len(pieces)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
