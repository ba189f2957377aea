from dataclasses import replace

import pytest

from corral.core.manifest import Manifest, ModelConfig
from corral.core.messages import Message, Tool, ToolCall, ToolParameters, ToolProperty
from corral.core.model import Model, Network, PromptMode
from corral.core.names import ModelName
from corral.errors import CorralError
from corral.prompt import prompt_for, prompt_opens_thinking, render, render_suffix, renderer, template_of
from corral.prompt.render import collate


def make_model(*, template=None, mode=PromptMode.TEMPLATE, **config):
    return Model(
        name=ModelName.parse("m"),
        digest="",
        manifest=Manifest(),
        config=ModelConfig(**config),
        size=0,
        modified_at=0,
        template=template,
        mode=mode,
    )


def text(template, messages, **settings):
    return render(template_of(template), messages, **settings).text


def test_neighbours_of_one_role_become_one_message_except_results_of_tools():
    messages = [
        Message("system", "A"),
        Message("system", "B"),
        Message("tool", "1"),
        Message("tool", "2"),
        Message("system", "C"),
    ]
    system, turns = collate(messages)
    assert system == "A\n\nB\n\nC"
    assert [(turn.role, turn.content) for turn in turns] == [
        ("system", "A\n\nB"),
        ("tool", "1"),
        ("tool", "2"),
        ("system", "C"),
    ]


def test_calls_of_messages_that_are_joined_are_kept():
    call = ToolCall("f", {"n": 1})
    _, [turn] = collate([Message("assistant", "a"), Message("assistant", "b", tool_calls=(call,))])
    assert turn.tool_calls == (call,)


@pytest.mark.parametrize(
    ("think", "expected"),
    [
        (None, "false  false"),
        (True, "true medium true"),
        (False, "false  true"),
        ("max", "true max true"),
    ],
)
def test_templates_see_whether_and_how_much_to_think(think, expected):
    template = "{{ .Think }} {{ .ThinkLevel }} {{ .IsThinkSet }}{{ if .Messages }}{{ end }}"
    assert text(template, [Message("user", "hi")], think=think) == expected


LEGACY = (
    "{{ if .System }}S:{{ .System }};{{ end }}{{ if .Prompt }}U:{{ .Prompt }};{{ end }}A:{{ .Response }}."
)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ("u", "U:u0;A:"),
        ("su", "S:s0;U:u1;A:"),
        ("uau", "U:u0;A:a1.U:u2;A:"),
        ("usu", "U:u0;A:.S:s1;U:u2;A:"),
        ("ua", "U:u0;A:a1"),
        ("utu", "U:u2;A:"),
        ("auu", "A:a0.U:u1\n\nu2;A:"),
    ],
)
def test_an_older_template_is_executed_once_a_turn(roles, expected):
    names = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}
    messages = [Message(names[role], f"{role}{at}") for at, role in enumerate(roles)]
    assert text(LEGACY, messages) == expected


def test_a_template_without_response_gets_one_at_its_end():
    assert text("[{{ .Prompt }}]", [Message("user", "u"), Message("assistant", "a")]) == "[u]a"


def test_a_suffix_is_shown_without_messages():
    template = "{{ if .Suffix }}<P>{{ .Prompt }}<S>{{ .Suffix }}<M>{{ else }}{{ .Prompt }}{{ end }}"
    assert render_suffix(template_of(template), "a", "b") == "<P>a<S>b<M>"


def test_a_tool_prints_as_json_in_wire_order():
    inner = {"z": ToolProperty(type=("string",)), "a": ToolProperty(type=("integer",))}
    properties = {
        "z": ToolProperty(type=("object",), properties=inner, required=("z",)),
        "a": ToolProperty(type=("string", "null"), description="<x>", enum=("b", "a")),
    }
    tool = Tool(
        "f", parameters=ToolParameters("object", required=("z",), properties=properties), type="function"
    )
    assert text("{{ range .Tools }}{{ . }}{{ end }}{{ .Messages | len }}", [], tools=[tool]) == (
        '{"type":"function","function":{"name":"f","description":"","parameters":{"type":"object",'
        '"required":["z"],"properties":{"a":{"type":["string","null"],"description":"\\u003cx\\u003e",'
        '"enum":["b","a"]},"z":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"integer"}},'
        '"required":["z"]}}}}}0'
    )


def test_a_tool_without_parameters_prints_as_clients_know_it():
    assert '"parameters":{"type":"","properties":null}' in text(
        "{{ .Tools }}{{ .Messages }}", [], tools=[Tool("f")]
    )


def test_arguments_of_calls_print_with_sorted_keys():
    message = Message("assistant", tool_calls=(ToolCall("f", {"z": 1, "a": "<"}), ToolCall("g")))
    template = "{{ range .Messages }}{{ range .ToolCalls }}{{ .Function.Arguments }}{{ end }}{{ end }}"
    assert text(template, [message]) == '{"a":"\\u003c","z":1}{}'


def test_harmony_lowers_max_and_shows_tools_under_safe_names():
    model = make_model(
        template="{{ .ThinkLevel }}{{ range .Tools }} {{ .Function.Name }}{{ end }}{{ range .Messages }}"
        "{{ range .ToolCalls }} {{ .Function.Name }}{{ end }}{{ end }}",
        mode=PromptMode.HARMONY,
    )
    history = [Message("assistant", tool_calls=(ToolCall("get-time"),))]
    assert prompt_for(model, history, [Tool("get-time")], "max").text == "high get_time get_time"


def test_a_model_without_any_template_gets_the_prompt_itself():
    assert prompt_for(make_model(), [Message("user", "hi")]).text == "hi"


@pytest.mark.parametrize("config", [{}, {"renderer": "qwen3-coder"}])
def test_a_prompt_for_counting_has_no_markers(config):
    model = make_model(template="{{ range .Messages }}{{ .Content }}{{ end }}", **config)
    messages = [Message("user", "hi", images=(b"x",))]
    assert "[img-0]" in prompt_for(model, messages).text
    assert "[img-0]" not in prompt_for(model, messages, mark=False).text


def test_an_unknown_renderer_is_an_error():
    with pytest.raises(CorralError) as caught:
        prompt_for(make_model(renderer="no-such"), [Message("user", "hi")])
    assert caught.value.message == 'unknown renderer "no-such"'


@pytest.mark.parametrize(
    ("name", "parameters", "is_large"),
    [("gemma4:e4b", 20e9, False), ("gemma4:31b", 0, True), ("gemma4", 12e9, True), ("gemma4", 5e9, False)],
)
def test_gemma_4_is_large_by_name_or_by_size(name, parameters, is_large):
    model = make_model()
    model = replace(model, name=ModelName.parse(name), network=Network(parameter_count=int(parameters)))
    assert (renderer("gemma4", model) is renderer("gemma4-large")) is is_large


@pytest.mark.parametrize(
    "name", ["qwen3-coder", "qwen3-vl-instruct", "qwen3.5", "olmo3", "lfm2", "nemotron-3-nano"]
)
def test_a_message_that_the_request_began_is_left_open(name):
    out = renderer(name)([Message("user", "hi"), Message("assistant", "Hel")], (), False)
    assert out.endswith("Hel")


def test_a_prompt_that_ends_with_the_opening_tag_starts_the_answer_inside():
    assert prompt_opens_thinking("x<think>\n", "<think>")
    assert not prompt_opens_thinking("x<think>\n</think>", "<think>")


WEATHER = Tool(
    "weather.get",
    "Look outside",
    ToolParameters("object", properties={"city": ToolProperty(type=("string",), enum=("Rome",))}),
    "function",
)
CALLED = [
    Message("user", "Weather?"),
    Message(
        "assistant",
        thinking="Look.",
        tool_calls=(ToolCall("weather.get", {"city": "a<b", "days": [1]}, "c1"), ToolCall("ping", {}, "c2")),
    ),
    Message("tool", "sunny", tool_call_id="c1"),
    Message("tool", "pong", tool_name="ping"),
]


def test_glimmer_shows_tools_calls_and_results_as_its_published_template_does():
    prompt = renderer("glimmer")(CALLED, [WEATHER, Tool("ping")], None)
    assert (
        "// Tool metadata\n"
        '{"name": "weather", "description": ""}\n{"name": "ping", "description": ""}\n'
        "// Function schemas\n"
        '{"name": "weather.get", "description": "Look outside", "parameters": {"type": "object", '
        '"properties": {"city": {"type": "string", "enum": ["Rome"]}}}}\n'
    ) in prompt
    assert '# Valid recipients: "self", "weather.*", "ping.*", "user".<|eot|>' in prompt
    assert prompt.partition("Weather?<|eot|>")[2] == (
        "<|start|>assistant to=self<|message|>Look.<|eom|>"
        "<|start|>assistant to=weather.get<|message|><atem:function_calls>\n"
        '<atem:invoke name="weather.get">\n'
        '<atem:parameter name="city">a<b</atem:parameter>\n<atem:parameter name="days">[1]</atem:parameter>\n'
        "</atem:invoke>\n</atem:function_calls><|eom|>"
        '<|start|>assistant to=ping<|message|><atem:function_calls>\n<atem:invoke name="ping">\n'
        "</atem:invoke>\n</atem:function_calls><|eot|>"
        '<|start|>tool weather.get<|message|><tool_output name="weather.get">\nsunny\n</tool_output><|eot|>'
        '<|start|>tool ping<|message|><tool_output name="ping">\npong\n</tool_output><|eot|>'
        "<|start|>assistant"
    )


def test_qwen_3_coder_shows_tools_calls_and_results_as_its_published_template_does():
    prompt = renderer("qwen3-coder")(CALLED, [WEATHER], None)
    head, _, rest = prompt.partition("If you choose to call a function ONLY reply")
    assert head == (
        "<|im_start|>system\nYou are Qwen, a helpful AI assistant that can interact with a computer to solve "
        "tasks.\n\n# Tools\n\nYou have access to the following functions:\n\n<tools>\n<function>\n"
        "<name>weather.get</name>\n<description>Look outside</description>\n<parameters>\n<parameter>\n"
        '<name>city</name>\n<type>string</type>\n<enum>["Rome"]</enum>\n</parameter>\n</parameters>\n'
        "</function>\n</tools>\n\n"
    )
    assert rest.partition("Weather?<|im_end|>\n")[2] == (
        "<|im_start|>assistant\n"
        "<tool_call>\n<function=weather.get>\n<parameter=city>\na<b\n</parameter>\n"
        "<parameter=days>\n[1]\n</parameter>\n</function>\n</tool_call>\n"
        "<tool_call>\n<function=ping>\n</function>\n</tool_call><|im_end|>\n"
        "<|im_start|>user\n<tool_response>\nsunny\n</tool_response>\n"
        "<tool_response>\npong\n</tool_response>\n<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_qwen_3_coder_keeps_text_apart_from_its_call():
    said = Message("assistant", "Sure.\n", tool_calls=(ToolCall("ping"),))
    prompt = renderer("qwen3-coder")([Message("user", "x"), said], [], None)
    assert "<|im_start|>assistant\nSure.\n\n<tool_call>\n<function=ping>" in prompt
