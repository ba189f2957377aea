"""Control tokens: tags, as those of gpt-oss, Gemma 4 or DeepSeek, and the one that opens a prompt."""

from __future__ import annotations

import pytest

from tests.helpers.questions import GREEDY
from tests.helpers.rewritten import with_control_tokens, with_opening_token
from tests.helpers.server import MODELS
from tests.parity.replay import Files

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    plain = folder / "plain.gguf"
    plain.write_bytes(Files(MODELS).data("peer-plain.gguf"))
    tags = ["<think>", "</think>", "<tool_call>", "</tool_call>"]
    data = with_control_tokens(plain, folder / "control.gguf", tags).read_bytes()
    files = {"control.gguf": server.upload(data)}
    server.post("/api/create", {"model": "control", "files": files, "stream": False})
    return server


def answer(server, name, text, **fields):
    body = {"model": name, "messages": [{"role": "user", "content": text}], "stream": False}
    return server.post("/api/chat", body | {"options": GREEDY} | fields)["message"]


@pytest.mark.parametrize("made", [{"parser": "qwen3.5"}, {"parser": "qwen3-thinking"}, {}])
def test_reasoning_is_split_off(model, made):
    template = (
        "{{ range .Messages }}<|im_start|>{{ .Role }}\n"
        "{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ .Content }}<|im_end|>\n"
        "{{ end }}<|im_start|>assistant\n"
    )
    fields = {"model": "tagged", "from": "control", "template": template, "stream": False}
    model.post("/api/create", fields | made)
    said = answer(model, "tagged", "Hello")
    assert said["content"] == "Hello! How can I help you today?"
    assert said["thinking"].strip() == "The user greets me. I will say hello."


def test_tags_that_nobody_looks_for_are_no_text(model):
    template = "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}"
    template += "<|im_start|>assistant\n"
    model.post("/api/create", {"model": "untagged", "from": "control", "template": template, "stream": False})
    assert "<think>" not in answer(model, "untagged", "Hello")["content"]


def test_a_prompt_that_begins_with_the_opening_token_gets_no_second_one(server, tmp_path):
    plain = tmp_path / "plain.gguf"
    plain.write_bytes(Files(MODELS).data("peer-plain.gguf"))
    data = with_opening_token(plain, tmp_path / "opened.gguf").read_bytes()
    server.post("/api/create", {"model": "opened", "files": {"o.gguf": server.upload(data)}, "stream": False})
    counts = [
        server.post("/api/generate", {"model": "opened", "prompt": text, "raw": True, "stream": False})
        for text in ("Hello", "<|endoftext|>Hello", "<|endoftext|><|endoftext|>Hello")
    ]
    assert [answer["prompt_eval_count"] for answer in counts] == [2, 2, 3]
