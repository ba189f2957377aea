"""Messages and tools as the values that templates see. Source: modelfile.md section 11."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from corral.core.messages import Message, Tool, ToolCall, ToolParameters, ToolProperty
from corral.core.requests import Think
from corral.template import JSONList, JSONMap, OrderedMap, Struct, TypeList


def think_values(think: Think) -> dict[str, object]:
    """`Think`, `ThinkLevel` and `IsThinkSet`; plain True has the level `medium`."""
    level = think if isinstance(think, str) else "medium" if think else ""
    return {"Think": bool(think), "ThinkLevel": level, "IsThinkSet": think is not None}


def message_struct(message: Message) -> Struct:
    return Struct(
        "template.templateMessage",
        {
            "Role": message.role,
            "Content": message.content,
            "Thinking": message.thinking,
            "Images": list(message.images),
            "ToolCalls": [_call_struct(call) for call in message.tool_calls],
            "ToolName": message.tool_name,
            "ToolCallID": message.tool_call_id,
        },
    )


def _call_struct(call: ToolCall) -> Struct:
    function = Struct(
        "template.templateToolCallFunction",
        {"Index": call.index, "Name": call.name, "Arguments": JSONMap(call.arguments)},
    )
    return Struct("template.templateToolCall", {"ID": call.id, "Function": function})


def tool_list(tools: Sequence[Tool]) -> JSONList | None:
    """All tools as one value, which prints as JSON; None without any."""
    return JSONList(_tool_struct(tool) for tool in tools) if tools else None


def _tool_struct(tool: Tool) -> Struct:
    function = _function_struct(tool)
    return Struct(
        "template.templateTool",
        {"Type": tool.type, "Items": tool.items, "Function": function},
        json=_present({"type": tool.type, "items": tool.items, "function": function}, "items"),
    )


def _function_struct(tool: Tool) -> Struct:
    parameters = _parameters_struct(tool.parameters)
    return Struct(
        "template.templateToolFunction",
        {"Name": tool.name, "Description": tool.description, "Parameters": parameters},
        json=OrderedMap({"name": tool.name, "description": tool.description, "parameters": parameters}),
    )


def _parameters_struct(parameters: ToolParameters) -> Struct:
    properties = parameters.properties
    structs = JSONMap(_property_structs(properties or {}))
    required = list(parameters.required)
    json = {
        "type": parameters.type,
        "$defs": parameters.defs,
        "items": parameters.items,
        "required": required,
        "properties": None if properties is None else structs,
    }
    return Struct(
        "template.templateToolFunctionParameters",
        {
            "Type": parameters.type,
            "Defs": parameters.defs,
            "Items": parameters.items,
            "Required": required,
            "Properties": structs,
        },
        json=_present(json, "$defs", "items", "required"),
    )


def _property_structs(properties: Mapping[str, ToolProperty]) -> dict[str, object]:
    return {name: _property_struct(declared) for name, declared in properties.items()}


def _property_struct(declared: ToolProperty) -> Struct:
    any_of = [_property_struct(option) for option in declared.any_of]
    # Properties within a property keep the order of the request, unlike those of the tool itself.
    nested = OrderedMap(_property_structs(declared.properties or {}))
    kinds, enum, required = TypeList(declared.type), list(declared.enum), list(declared.required)
    json = {
        "anyOf": any_of,
        "type": kinds,
        "items": declared.items,
        "description": declared.description,
        "enum": enum,
        "properties": nested,
        "required": required,
    }
    return Struct(
        "api.ToolProperty",
        {
            "AnyOf": any_of,
            "Type": kinds,
            "Items": declared.items,
            "Description": declared.description,
            "Enum": enum,
            "Properties": nested,
            "Required": required,
        },
        json=_present(json, *json),
    )


def _present(values: Mapping[str, object], *optional: str) -> OrderedMap:
    """The values in their order, without those optional ones that are empty."""
    empty: tuple[object, ...] = (None, "", [], {})
    return OrderedMap(
        {key: value for key, value in values.items() if not (key in optional and value in empty)}
    )
