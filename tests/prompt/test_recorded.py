import base64
import re

import pytest

from corral.core.model import PromptMode
from corral.core.requests import GenerateRequest
from corral.prompt import (
    chat_messages,
    generate_messages,
    native_messages,
    prompt_for,
    render,
    render_suffix,
    template_of,
)
from tests.prompt import vectors

TRUNCATED = {"chat/truncate-plain-render", "chat/truncate-render"}


def is_rendered(group, request):
    model = vectors.models(group)[request["model"]]
    return model.mode is not PromptMode.NATIVE


CHAT = [row for row in vectors.rendered("chat") if is_rendered("chat", row[1]) and row[0] not in TRUNCATED]
GENERATE = [row for row in vectors.rendered("generate") if is_rendered("generate", row[1])]


def rows(found):
    return pytest.mark.parametrize(
        ("request_json", "expected"), [row[1:] for row in found], ids=[r[0] for r in found]
    )


def test_the_recordings_cover_what_they_should():
    assert len(CHAT) >= 13
    assert len(GENERATE) >= 11
    assert len(vectors.rendered("render")) >= 60


@rows(CHAT)
def test_a_chat_renders_as_recorded(request_json, expected):
    model = vectors.models("chat")[request_json["model"]]
    messages = chat_messages(model, [vectors.message(value) for value in request_json["messages"]])
    prompt = prompt_for(model, messages, vectors.tools(request_json), vectors.think(request_json, model))
    assert prompt.text == expected["rendered_template"]


@rows(GENERATE)
def test_a_generate_request_renders_as_recorded(request_json, expected):
    model = vectors.models("generate")[request_json["model"]]
    think = vectors.think(request_json, model)
    images = tuple(base64.b64decode(text) for text in request_json.get("images", ()))
    request = GenerateRequest(
        model="m", prompt=request_json["prompt"], system=request_json.get("system", ""), images=images
    )
    if request_json.get("suffix"):
        text = render_suffix(template_of(model.template), request.prompt, request_json["suffix"], think)
        assert text == expected["rendered_template"]
        return
    prompt = prompt_for(model, generate_messages(model, request), (), think)
    assert prompt.text == expected["rendered_template"]
    assert len(prompt.images) == expected.get("image_count", 0)


def test_a_template_of_the_request_renders_as_recorded():
    found = {row[0]: row for row in vectors.rendered("generate")}
    _, request_json, expected = found["generate/template-system-render"]
    model = vectors.models("generate")["peer"]
    request = GenerateRequest(model="peer", prompt=request_json["prompt"], system=request_json["system"])
    prompt = render(template_of(request_json["template"]), generate_messages(model, request), mark=False)
    assert prompt.text == expected["rendered_template"]


@rows(vectors.rendered("render"))
def test_a_built_in_renderer_renders_as_recorded(request_json, expected):
    model = vectors.models("render")[request_json["model"]]
    messages = chat_messages(model, [vectors.message(value) for value in request_json["messages"]])
    prompt = prompt_for(model, messages, vectors.tools(request_json), vectors.think(request_json, model))
    assert without_date(prompt.text) == without_date(expected["rendered_template"])


def without_date(text):
    return re.sub(r"Current date: \d{4}-\d\d-\d\d", "Current date: today", text)


SHOWN = [
    (request["model"], value["capabilities"], value["template"])
    for _, request, value in vectors.answers("show")
    if request.get("model") in vectors.models("show") and "capabilities" in value
]


@pytest.mark.parametrize(("name", "expected", "template"), SHOWN)
def test_capabilities_and_the_selected_template_are_as_recorded(name, expected, template):
    model = vectors.models("show")[name]
    assert list(model.capabilities) == expected
    assert (model.selected_template or "{{ .Prompt }}") == template


def test_native_messages_keep_neighbours_apart_and_leave_reasoning_out():
    found = {row[0]: row for row in vectors.rendered("chat")}
    messages = [vectors.message(value) for value in found["chat/render-peer"][1]["messages"]]
    sent = native_messages(messages)
    assert [item["role"] for item in sent] == [message.role for message in messages]
    assert all("thinking" not in item and "reasoning_content" not in item for item in sent)
