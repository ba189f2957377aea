"""The recorded requests and answers of the reference server, as far as they show rendered prompts."""

import functools
import json
from dataclasses import replace
from pathlib import Path

from corral.core.manifest import Manifest, ModelConfig
from corral.core.messages import Message, ToolCall, parse_tool
from corral.core.model import Model, Network
from corral.core.names import ModelName
from corral.prompt import capabilities, select_mode

FOLDER = Path(__file__).parents[1] / "parity" / "vectors"


@functools.cache
def group(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def answers(name):
    """(id, request, answer) of each step whose answer is one JSON object."""
    for vector in group(name)["vectors"]:
        for step in vector["steps"]:
            body = step["expect"]["body"]
            value = body.get("value") if isinstance(body, dict) else None
            if isinstance(value, dict) and isinstance(step["request"].get("json"), dict):
                yield vector["id"], step["request"]["json"], value


def rendered(name):
    """(id, request, `_debug_info`) of each request that only rendered."""
    return [
        (identifier, request, value["_debug_info"])
        for identifier, request, value in answers(name)
        if "_debug_info" in value
    ]


@functools.cache
def chat_template():
    """Of the recorded model `peer`; `plain` is the same without one."""
    return next(value["template"] for _, request, value in answers("show") if request.get("model") == "peer")


@functools.cache
def models(name):
    """The models of a group's set-up, as the library would read them."""
    found = {}
    for entry in group(name)["setup"]:
        found[entry["name"]] = _model(entry["name"], entry["create"], found)
    return found


def _model(name, create, found):
    if "files" in create:
        has_template = next(iter(create["files"])) in ("peer-suite.gguf", "peer-twin.gguf")
        is_embedding = "embed-fixture.gguf" in create["files"]
        network = Network(chat_template=chat_template() if has_template else "", is_embedding=is_embedding)
        config = ModelConfig()
        base = Model(
            name=ModelName.parse(name),
            digest="",
            manifest=Manifest(),
            config=config,
            size=0,
            modified_at=0,
            network=network,
        )
    else:
        base = found[create["from"]]
    config = ModelConfig(renderer=create.get("renderer", ""), parser=create.get("parser", ""))
    template = create.get("template", base.template)
    selection = select_mode(config, template, base.network.chat_template, None)
    return replace(
        base,
        name=ModelName.parse(name),
        config=config,
        template=template,
        system=create.get("system", base.system),
        messages=tuple(message(item) for item in create.get("messages", ())) or base.messages,
        mode=selection.mode,
        selected_template=selection.text,
        capabilities=capabilities(config, selection, template, base.network),
    )


def message(value):
    calls = [item["function"] for item in value.get("tool_calls", ())]
    return Message(
        value["role"],
        value.get("content", ""),
        value.get("thinking", ""),
        tool_calls=tuple(ToolCall(call["name"], call["arguments"]) for call in calls),
        tool_name=value.get("tool_name", ""),
        tool_call_id=value.get("tool_call_id", ""),
    )


def tools(request):
    return [parse_tool(value) for value in request.get("tools", ())]


def think(request, model):
    """As serving sets it: absent means on for a model that reasons."""
    value = request.get("think")
    return True if value is None and model.can("thinking") else value
