"""A conversation: messages, the calls a model makes, and the tools it may call.

Source: http-api.md 3.1 to 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from corral.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool; `arguments` keeps the order in which they were written, `index` counts from 0."""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    id: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `role` is lower case; `images` are the raw bytes of image or audio files."""

    role: str
    content: str = ""
    thinking: str = ""
    images: tuple[bytes, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_name: str = ""
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolProperty:
    """One parameter of a tool; only these keywords of its JSON Schema are kept."""

    any_of: tuple[ToolProperty, ...] = ()
    type: tuple[str, ...] = ()
    items: object = None
    description: str = ""
    enum: tuple[object, ...] = ()
    properties: Mapping[str, ToolProperty] | None = None
    required: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """In wire order, empty fields left out; a single type is a plain string."""
        out: dict[str, object] = {}
        if self.any_of:
            out["anyOf"] = [option.to_json() for option in self.any_of]
        if self.type:
            out["type"] = self.type[0] if len(self.type) == 1 else list(self.type)
        if self.items is not None:
            out["items"] = self.items
        if self.description:
            out["description"] = self.description
        if self.enum:
            out["enum"] = list(self.enum)
        if self.properties is not None:
            out["properties"] = {name: prop.to_json() for name, prop in self.properties.items()}
        if self.required:
            out["required"] = list(self.required)
        return out


@dataclass(frozen=True, slots=True)
class ToolParameters:
    """The parameter object of a tool; `properties` is None when the request gave none."""

    type: str = ""
    defs: object = None
    items: object = None
    required: tuple[str, ...] = ()
    properties: Mapping[str, ToolProperty] | None = None

    def to_json(self) -> dict[str, object]:
        out: dict[str, object] = {"type": self.type}
        if self.defs is not None:
            out["$defs"] = self.defs
        if self.items is not None:
            out["items"] = self.items
        if self.required:
            out["required"] = list(self.required)
        properties = self.properties
        out["properties"] = None if properties is None else {k: p.to_json() for k, p in properties.items()}
        return out


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call."""

    name: str
    description: str = ""
    parameters: ToolParameters = field(default_factory=ToolParameters)
    type: str = ""
    items: object = None

    def to_json(self) -> dict[str, object]:
        out: dict[str, object] = {"type": self.type}
        if self.items is not None:
            out["items"] = self.items
        function: dict[str, object] = {"name": self.name}
        if self.description:
            function["description"] = self.description
        function["parameters"] = self.parameters.to_json()
        out["function"] = function
        return out


def parse_tool(value: object) -> Tool:
    """A Tool from its JSON; what is missing stays empty. Raises InvalidInput on a wrong type."""
    tool = _object(value, "tools")
    function = _object(tool.get("function"), "tools.function")
    return Tool(
        name=_text(function.get("name"), "tools.function.name"),
        description=_text(function.get("description"), "tools.function.description"),
        parameters=_parameters(_object(function.get("parameters"), "tools.function.parameters")),
        type=_text(tool.get("type"), "tools.type"),
        items=tool.get("items"),
    )


def _parameters(value: Mapping[str, object]) -> ToolParameters:
    return ToolParameters(
        type=_text(value.get("type"), "tools.function.parameters.type"),
        defs=value.get("$defs"),
        items=value.get("items"),
        required=_texts(value.get("required"), "tools.function.parameters.required"),
        properties=_properties(value.get("properties")),
    )


def _properties(value: object) -> Mapping[str, ToolProperty] | None:
    if value is None:
        return None
    found = _object(value, "tools.function.parameters.properties")
    return {name: _property(_object(item, f"properties.{name}")) for name, item in found.items()}


def _property(value: Mapping[str, object]) -> ToolProperty:
    kind = value.get("type")
    options = value.get("anyOf")
    enum = value.get("enum")
    return ToolProperty(
        any_of=tuple(_property(_object(item, "anyOf")) for item in _list(options, "anyOf")),
        type=(kind,) if isinstance(kind, str) else _texts(kind, "type"),
        items=value.get("items"),
        description=_text(value.get("description"), "description"),
        enum=tuple(_list(enum, "enum")),
        properties=_properties(value.get("properties")),
        required=_texts(value.get("required"), "required"),
    )


def _object(value: object, where: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"invalid value for {where}: expected an object")
    return value


def _list(value: object, where: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidInput(f"invalid value for {where}: expected an array")
    return value


def _text(value: object, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"invalid value for {where}: expected a string")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    items = _list(value, where)
    return tuple(_text(item, where) for item in items)
