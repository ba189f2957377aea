"""What models of each built-in family write, and what it means."""

from corral.core.messages import Tool, ToolParameters, ToolProperty

PROPERTIES = {"location": ToolProperty(type=("string",)), "days": ToolProperty(type=("integer",))}
TOOLS = (
    Tool("get_weather", parameters=ToolParameters(properties=PROPERTIES, required=("location",))),
    Tool("ping"),
)
ROME = ("get_weather", {"location": "Rome", "days": 2})
JSON = '{"name": "get_weather", "arguments": {"location": "Rome", "days": 2}}'
CODER = (
    "<function=get_weather>\n<parameter=location>\nRome\n</parameter>\n"
    "<parameter=days>\n2\n</parameter>\n</function>"
)
PAIRS = (
    "get_weather<arg_key>location</arg_key><arg_value>Rome</arg_value>"
    "<arg_key>days</arg_key><arg_value>2</arg_value>"
)
DEEPSEEK = (
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>"
    '{"location": "Rome", "days": 2}<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
)
COGITO = (
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
    '{"location": "Rome", "days": 2}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
)
COHERE = '[{"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"location": "Rome", "days": 2}}]'
ATEM = (
    '<atem:function_calls><atem:invoke name="get_weather"><atem:parameter name="location">Rome'
    '</atem:parameter><atem:parameter name="days">2</atem:parameter></atem:invoke></atem:function_calls>'
)

# name of the family, think, what the model writes; then its reasoning, content and calls
ROWS = [
    ("qwen3", None, f"hi \n<tool_call>\n{JSON}\n</tool_call>\n", "", "hi", [ROME]),
    ("qwen3", None, "<think>\na\n</think>\n\nb", "", "<think>\na\n</think>\n\nb", []),
    ("qwen3-thinking", None, "<think>\nwhy\n</think>\n\nhi", "\nwhy", "hi", []),
    ("qwen3-thinking", None, f"why\n<tool_call>{JSON}</tool_call>", "why", "", [ROME]),
    ("qwen3-thinking", False, "hi </think>", "", "hi </think>", []),
    ("qwen3-vl-thinking", False, "why</think>hi", "why", "hi", []),
    ("qwen3-vl-instruct", None, f"<tool_call>{JSON}</tool_call>", "", "", [ROME]),
    ("qwen3-coder", None, f"ok<tool_call>\n{CODER}\n</tool_call>", "", "ok", [ROME]),
    (
        "qwen3-coder",
        None,
        "<tool_call><function=ping></function></tool_call> <tool_call><function=ping></function></tool_call>",
        "",
        "",
        [("ping", {})] * 2,
    ),
    ("qwen3.5", True, f"why\n</think>\n\nok\n<tool_call>\n{CODER}\n</tool_call>", "why", "ok", [ROME]),
    ("ornith", None, f"<think>why<tool_call>{CODER}</tool_call>", "why", "", [ROME]),
    ("nemotron-3-nano", "high", "why</think>hi", "why", "hi", []),
    ("nemotron-3.5-nano", True, f"why</think>\n<tool_call>{CODER}</tool_call>", "why", "", [ROME]),
    ("passthrough", None, "<think>a</think>", "", "<think>a</think>", []),
    ("ministral", None, "[THINK]why[/THINK]hi", "why", "hi", []),
    ("ministral", None, '[TOOL_CALLS]get_weather[ARGS]{"location": "Rome", "days": 2}', "", "", [ROME]),
    ("deepseek3", True, f"why</think>ok{DEEPSEEK}", "why", "ok", [ROME]),
    ("deepseek3", False, "hi", "", "hi", []),
    ("deepseek3", False, "<｜tool▁outputs▁begin｜>x<｜tool▁outputs▁end｜>", "", "x", []),
    ("cogito", True, COGITO, "", "", [ROME]),
    ("cogito", False, "a<｜tool▁outputs▁begin｜>x<｜tool▁outputs▁end｜>b", "", "ab", []),
    (
        "olmo3",
        None,
        '<function_calls>get_weather(location="Rome", days=2)\nping()</function_calls>',
        "",
        "",
        [ROME, ("ping", {})],
    ),
    (
        "olmo3",
        None,
        "a<function_calls>not a call</function_calls>b",
        "",
        "a<function_calls>not a call</function_calls>b",
        [],
    ),
    ("olmo3-think", False, "why</think>hi", "why", "hi", []),
    ("glm-4.7", True, f"why</think>ok<tool_call>{PAIRS}</tool_call>", "why", "ok", [ROME]),
    ("glm-4.7", False, "<think>why</think>ok", "why", "ok", []),
    ("glm-ocr", None, "<think>why</think>ok", "why", "ok", []),
    ("laguna", True, f"why</think>ok<tool_call>{JSON}</tool_call>", "why", "ok", [ROME]),
    ("poolside-v1", False, "a<think>why</think>b", "", "ab", []),
    ("gemma4", True, "<|channel>thought\nwhy<channel|>hi", "why", "hi", []),
    ("gemma4-no-thinking", True, "<|channel>thought\nwhy<channel|>hi", "", "hi", []),
    (
        "gemma4",
        False,
        '<|tool_call>call:get_weather{location:<|"|>Rome<|"|>,days:2}<tool_call|>',
        "",
        "",
        [ROME],
    ),
    (
        "functiongemma",
        None,
        "<start_function_call>call:get_weather{location:<escape>Rome<escape>,days:2}<end_function_call>",
        "",
        "",
        [ROME],
    ),
    (
        "lfm2",
        None,
        "<|tool_call_start|>[get_weather(location='Rome', days=2), ping()]<|tool_call_end|>ok",
        "",
        "ok",
        [ROME, ("ping", {})],
    ),
    ("lfm2", None, "[get_weather(location='Rome', days=2)]", "", "", [ROME]),
    ("lfm2", None, "other(a=1)", "", "other(a=1)", []),
    ("lfm2", None, "get_weather(is it", "", "get_weather(is it", []),
    ("lfm2-thinking", True, "<think>why</think>hi", "why", "hi", []),
    (
        "cohere",
        True,
        f"why<|END_THINKING|><|START_ACTION|>{COHERE}<|END_ACTION|><|END_OF_TURN_TOKEN|>",
        "why",
        "",
        [ROME],
    ),
    ("cohere", True, "why<|END_THINKING|><|START_TEXT|>hi<|END_TEXT|>", "why", "hi", []),
    (
        "harmony",
        True,
        "<|channel|>analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>hi",
        "why",
        "hi",
        [],
    ),
    (
        "harmony",
        True,
        "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
        '{"location": "Rome", "days": 2}',
        "",
        "",
        [ROME],
    ),
    ("harmony", True, "<|channel|>commentary<|message|>note", "", "note", []),
    (
        "glimmer",
        True,
        f" to=self<|message|>why<|eom|><|start|>assistant to=get_weather<|message|>{ATEM}<|eot|>",
        "why",
        "",
        [ROME],
    ),
    (
        "glimmer",
        False,
        " to=self<|message|>why<|eom|><|start|>assistant to=user<|message|>hi<|eot|>",
        "",
        "hi",
        [],
    ),
]
