"""Tokens that are trained, beside those that serving really sends and the model really writes."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from corral.core.events import Done, Rendered, Text, Thinking, ToolCalls
from corral.core.manifest import ModelConfig
from corral.core.messages import Message, Tool, ToolCall, parse_tool
from corral.core.model import Model, PromptMode
from corral.core.options import resolve_options
from corral.core.requests import ChatRequest
from corral.engine import Client, Completion, Sampling, TextPiece
from corral.scheduler import EngineLauncher, Scheduler
from corral.serving.service import Service
from corral.settings import Settings
from corral.tune.data import Place, Row, vocabulary
from corral.tune.data.encoding import Encoder
from corral.tune.data.ends import end_tokens

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

TOOL = parse_tool(
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
)
CALL = (ToolCall("get_weather", {"city": "Oslo"}),)


def user(text: str) -> Message:
    return Message("user", text)


def assistant(text: str, thinking: str = "", calls: tuple[ToolCall, ...] = ()) -> Message:
    return Message("assistant", text, thinking, tool_calls=calls)


HERE = Place("a", 1)
ROWS = {
    "one turn": Row(HERE, (user("  Who are you? \n"), assistant("I am Ada."))),
    "system": Row(HERE, (Message("system", "Be brief."), user("And now?"), assistant("Yes\n\nno."))),
    "turns": Row(
        HERE,
        (
            user("Hi"),
            assistant("Hello!"),
            user("1 + 1?"),
            assistant("2"),
            user("Größer?"),
            assistant("Ja, 今日は."),
        ),
    ),
    "no thoughts": Row(HERE, (user("Hi"), assistant("Hello!")), think=False),
    "thoughts": Row(
        HERE, (user("Hi"), assistant("Hello!", "a greeting"), user("So?"), assistant("So.", "hm"))
    ),
    "tools": Row(
        HERE,
        (
            user("Weather in Oslo?"),
            assistant("", calls=CALL),
            Message("tool", "7 degrees", tool_name="get_weather"),
            assistant("It is 7 degrees."),
        ),
        (TOOL,),
    ),
}

QWEN3 = """{{- if or .System .Tools }}<|im_start|>system
{{ .System }}{{ if .Tools }}
# Tools
{{- range .Tools }}
{{ . }}{{ end }}{{ end }}<|im_end|>
{{ end }}{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ .Content }}
{{- if .ToolCalls }}{{ range .ToolCalls }}<tool_call>
{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}
</tool_call>{{ end }}{{ end }}{{ if not $last }}<|im_end|>
{{ end }}{{ else if eq .Role "tool" }}<|im_start|>user
<tool_response>
{{ .Content }}
</tool_response><|im_end|>
{{ end }}{{ if and (ne .Role "assistant") $last }}<|im_start|>assistant
{{ if and $.IsThinkSet (not $.Think) }}<think>

</think>

{{ end }}{{ end }}{{ end }}"""
LEGACY = "{{ if .System }}[SYS]{{ .System }}[/SYS]{{ end }}[INST] {{ .Prompt }} [/INST] {{ .Response }}"
TINY_CHAT = (
    "{{ bos_token }}{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Weights of a kind, by tokenizer: byte pairs or pieces, with an opening token."""
    from tests.convert.conftest import convert, files_in
    from tests.helpers import checkpoints

    async def make(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        checkpoints.make(kind, folder)
        target = tmp_path_factory.mktemp(kind) / f"{kind}.gguf"
        with target.open("wb") as file:
            async for _ in convert(files_in(folder), file, "", num_threads=1):
                pass
        return target

    return make


def template_of_pocket(pocket: Model, template: str, *, capabilities: tuple[str, ...]) -> Model:
    return dataclasses.replace(
        pocket, mode=PromptMode.TEMPLATE, template=template, capabilities=("completion", *capabilities)
    )


async def model_of(kind: str, pocket: Model, tiny: Any) -> Model:
    match kind:
        case "native":
            return pocket
        case "native with a system text":
            return dataclasses.replace(pocket, system="You are Ada.", messages=(user("a"), assistant("b")))
        case "template":
            return template_of_pocket(pocket, QWEN3, capabilities=("tools", "thinking"))
        case "old template":
            return template_of_pocket(pocket, LEGACY, capabilities=())
        case "family":
            config = ModelConfig(renderer="qwen3.5", parser="qwen3.5", model_family="llama")
            able = ("completion", "tools", "thinking")
            return dataclasses.replace(pocket, mode=PromptMode.FAMILY, config=config, capabilities=able)
        case _:
            return await tiny_model(kind, pocket, tiny)


async def tiny_model(kind: str, pocket: Model, tiny: Any) -> Model:
    name, _, form = kind.partition(", ")
    weights = await tiny(name)
    network = dataclasses.replace(pocket.network, chat_template=TINY_CHAT, context_length=128)
    model = dataclasses.replace(pocket, weights=weights, network=network, capabilities=("completion",))
    if form == "old template":
        return dataclasses.replace(model, mode=PromptMode.TEMPLATE, template=LEGACY)
    return model


KINDS = ["native", "native with a system text", "template", "old template", "family"]
TINY = ["qwen3", "llama", "mistral", "mistral, old template", "gemma3"]


class OneModel:
    def __init__(self, model: Model) -> None:
        self.model = model

    async def resolve(self, text: str) -> Model:
        return self.model


@contextlib.asynccontextmanager
async def road(model: Model, tmp_path: Path) -> AsyncIterator[Service]:
    scheduler = Scheduler(Settings(home=tmp_path), EngineLauncher())
    try:
        yield Service(OneModel(model), scheduler)
    finally:
        await scheduler.close()


class Sent:
    """What the clients of engines have sent, last of all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client: Client | None = None
        self.body: dict[str, Any] = {}
        opened = Client._open

        async def spy(client: Client, path: str, body: Any) -> Any:
            if path in ("/completion", "/v1/chat/completions"):
                self.client, self.body = client, body
            return await opened(client, path, body)

        monkeypatch.setattr(Client, "_open", spy)

    async def prompt_tokens(self) -> list[int]:
        """As the engine cuts what it got."""
        assert self.client is not None
        prompt = self.body.get("prompt")
        if prompt is None:
            values = self.body["chat_template_kwargs"]
            prompt = await self.client.apply_template(
                self.body["messages"], self.body.get("tools", ()), values
            )
        return await self.client.tokenize(prompt, add_special=True)


async def served(service: Service, sent: Sent, row: Row, at: int) -> tuple[list[int], int]:
    """The tokens of the prompt for the answer at `at`, and how many the engine says that it read."""
    request = ChatRequest(
        model="a",
        messages=row.messages[:at],
        tools=row.tools,
        think=row.think,
        lenient_think=True,
        options={"num_predict": 1, "num_thread": 1, "num_ctx": 1024},
    )
    events = await (await service.chat(request)).collect()
    (done,) = [event for event in events if isinstance(event, Done)]
    return await sent.prompt_tokens(), done.usage.prompt_tokens


def rows_for(model: Model) -> dict[str, Row]:
    return {
        name: row
        for name, row in ROWS.items()
        if (model.can("tools") or not row.tools)
        and (model.can("thinking") or not any(message.thinking for message in row.messages))
    }


@pytest.mark.parametrize("kind", [*KINDS, *TINY])
async def test_every_answer_stands_behind_the_prompt_that_serving_sends(
    kind: str, pocket: Model, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    model = await model_of(kind, pocket, tiny)
    assert model.weights is not None
    sent = Sent(monkeypatch)
    async with vocabulary(model) as client, road(model, tmp_path) as service:
        encoder = Encoder(model, client, 1024)
        await encoder.prepare()
        ends = await end_tokens(model.weights, client)
        for name, row in rows_for(model).items():
            parts = (await encoder.encode(row)).parts
            answers = [at for at, message in enumerate(row.messages) if message.role == "assistant"]
            for at in answers:
                prompt, num_read = await served(service, sent, row, at)
                assert len(prompt) == num_read, (name, at)
                (part,) = [part for part in parts if begins(part, prompt)]
                written, end = answer_behind(part, len(prompt))
                assert end in ends, (name, at)
                text = await client.detokenize(written)
                assert row.messages[at].content.strip() in text, (name, at)
                assert row.messages[at].thinking in text
            assert sum(count_answers(part.trained) for part in parts) == len(answers), name


@pytest.mark.parametrize("kind", ["mistral, old template", "old template"])
async def test_an_answer_goes_on_from_its_prompt_without_a_space_of_its_own(
    kind: str, pocket: Model, tiny: Any
):
    """Tokenizers of pieces begin each text with a space, and this prompt ends with one."""
    model = await model_of(kind, pocket, tiny)
    async with vocabulary(model) as client:
        encoder = Encoder(model, client, 1024)
        await encoder.prepare()
        (part,) = (await encoder.encode(Row(HERE, (user("Who?"), assistant("I am Ada."))))).parts
        text = await client.detokenize(part.tokens)
    assert text.endswith("[INST] Who? [/INST] I am Ada.<|im_end|>")


def begins(part: Any, prompt: list[int]) -> bool:
    """Whether learning begins in `part` right behind this prompt."""
    length = len(prompt)
    return part.tokens[:length] == prompt and part.trained[length - 1 : length + 1] == b"\0\1"


def answer_behind(part: Any, start: int) -> tuple[list[int], int]:
    end = part.trained.find(b"\0", start)
    tokens = part.tokens[start : end if end >= 0 else None]
    return tokens[:-1], tokens[-1]


def count_answers(trained: bytes) -> int:
    return trained.count(b"\0\1")


GREEDY = {"temperature": 0, "num_predict": 100, "num_thread": 1, "num_ctx": 1024}


@pytest.mark.parametrize(
    ("kind", "think", "question", "tools"),
    [
        ("native", True, "capital of peru", ()),
        ("native", False, "capital of peru", ()),
        ("native", True, "What is the weather in Oslo?", (TOOL,)),
        ("native", False, "What is the weather in Oslo?", (TOOL,)),
        # Its calls are left out: this template writes their JSON without spaces, the model with them.
        ("template", False, "capital of peru", ()),
    ],
)
async def test_what_the_model_writes_by_itself_is_what_its_row_would_teach(
    kind: str, think: bool, question: str, tools: tuple[Tool, ...], pocket: Model, tiny: Any, tmp_path: Path
):
    """Token by token: the answer of the packaged model, as the server reads it, made a row."""
    model = await model_of(kind, pocket, tiny)
    async with vocabulary(model) as client, road(model, tmp_path) as service:
        request = ChatRequest(
            model="a",
            messages=(user(question),),
            tools=tools,
            think=think,
            options=GREEDY,
            debug_render_only=True,
        )
        rendered = (await service.chat(request)).single
        assert isinstance(rendered, Rendered)
        answer = await read_answer(service, dataclasses.replace(request, debug_render_only=False))
        encoder = Encoder(model, client, 1024)
        await encoder.prepare()
        (part,) = (await encoder.encode(Row(HERE, (user(question), answer), tools, think))).parts
        learnt, _ = answer_behind(part, part.trained.find(b"\1"))
        assert [await client.detokenize([token]) for token in learnt] == await pieces(client, rendered.prompt)
    assert bool(answer.tool_calls) == bool(tools)
    assert bool(answer.thinking) == think


async def read_answer(service: Service, request: ChatRequest) -> Message:
    content, thinking, calls = "", "", ()
    for event in await (await service.chat(request)).collect():
        match event:
            case Text(text):
                content += text
            case Thinking(text):
                thinking += text
            case ToolCalls(found) | Done(calls=found):
                calls += found
    return assistant(content, thinking, calls)


async def pieces(client: Client, prompt: str) -> list[str]:
    """The text of each token that the model writes behind a prompt, without the end."""
    options = resolve_options(GREEDY)
    sampling = Sampling.of(options, 256, logprobs=True, top_logprobs=1)
    found = []
    async for batch in client.complete(Completion(prompt=prompt, sampling=sampling)):
        found += [entry.token for chunk in batch if isinstance(chunk, TextPiece) for entry in chunk.logprobs]
    return found
