import pytest

from corral.template import NAMED, JSONMap, Struct, Template, TypeList, detect
from corral.template.detect import (
    FINGERPRINTS,
    MAX_DISTANCE,
    _exact,
    distance,
    fingerprint,
    known_texts,
)

CONVERSATION = (("system", "S"), ("user", "U1"), ("assistant", "A1"), ("user", "U2"))

RENDERED = {
    "alfred": (
        "<start_system>S<end_message><start_user>U1<end_message><start_assistant>A1"
        "<end_message><start_user>U2<end_message><start_assistant>"
    ),
    "alpaca": ("S\n\n### Instruction:\nU1\n\n### Response:\nA1\n\n### Instruction:\nU2\n\n### Response:\n"),
    "chatml": (
        "<|im_start|>system\n"
        "S<|im_end|>\n"
        "<|im_start|>user\n"
        "U1<|im_end|>\n"
        "<|im_start|>assistant\n"
        "A1<|im_end|>\n"
        "<|im_start|>user\n"
        "U2<|im_end|>\n"
        "<|im_start|>assistant\n"
    ),
    "chatqa": ("System: S\n\nUser: U1\n\nAssistant: A1\n\nUser: U2\n\nAssistant:"),
    "codellama-70b-instruct": (
        "Source: system\n"
        "\n"
        " S <step> Source: user\n"
        "\n"
        " U1 <step> Source: assistant\n"
        "\n"
        " A1 <step> Source: user\n"
        "\n"
        " U2 <step> Source: assistant\n"
        "Destination: user\n"
        "\n"
        " "
    ),
    "command-r": (
        "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U1<|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>A1<|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U2<|END_OF_TURN_TOKEN|>"
        "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>\n"
    ),
    "falcon-instruct": ("System: S\nUser:\nU1\nFalcon:\nA1\nUser:\nU2\nFalcon:\n"),
    "gemma-instruct": (
        "<start_of_turn>user\n"
        "S\n"
        "U1<end_of_turn>\n"
        "<start_of_turn>model\n"
        "A1<end_of_turn>\n"
        "<start_of_turn>user\n"
        "U2<end_of_turn>\n"
        "<start_of_turn>model\n"
    ),
    "gemma3-instruct": (
        "<start_of_turn>user\n"
        "S\n"
        "\n"
        "U1<end_of_turn>\n"
        "<start_of_turn>model\n"
        "A1<end_of_turn>\n"
        "<start_of_turn>user\n"
        "U2<end_of_turn>\n"
        "<start_of_turn>model\n"
        "\n"
    ),
    "granite-instruct": ("System:\nS\n\nQuestion:\nU1\n\nAnswer:\nA1\n\nQuestion:\nU2\n\nAnswer:\n"),
    "llama2-chat": (
        "[INST] <<SYS>>\nS\n<</SYS>>\n\nU1 [/INST] A1</s><s>[INST] <<SYS>><</SYS>>\n\nU2 [/INST]"
    ),
    "llama3-instruct": (
        "<|start_header_id|>system<|end_header_id|>\n"
        "\n"
        "S<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
        "\n"
        "U1<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
        "\n"
        "A1<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
        "\n"
        "U2<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
        "\n"
    ),
    "magicoder": ("S\n\n@@ Instruction\nU1\n\n@@ Response\nA1\n\n@@ Instruction\nU2\n\n@@ Response\n"),
    "mistral-instruct": ("[INST] S\n\nU1[/INST] A1</s>[INST] U2[/INST]"),
    "openchat": (
        "GPT4 Correct System: S<|end_of_turn|>GPT4 Correct User: U1"
        "<|end_of_turn|>GPT4 Correct Assistant: A1<|end_of_turn|>GPT4 Correct User: U2"
        "<|end_of_turn|>GPT4 Correct Assistant:"
    ),
    "phi-3": (
        "<|system|>\n"
        "S<|end|>\n"
        "<|user|>\n"
        "U1<|end|>\n"
        "<|assistant|>\n"
        "A1<|end|>\n"
        "<|user|>\n"
        "U2<|end|>\n"
        "<|assistant|>\n"
    ),
    "solar-instruct": (
        "### System:\nS\n\n### User:\nU1\n\n### Assistant:\nA1</s>\n\n### User:\nU2\n\n### Assistant:\n"
    ),
    "starcoder2-instruct": (
        "S\n\n### Instruction\nU1\n\n### Response\nA1<|endoftext|>\n\n### Instruction\nU2\n\n### Response\n"
    ),
    "vicuna": ("S\n\nUSER: U1\nASSISTANT: A1</s>\nUSER: U2\nASSISTANT:"),
    "zephyr": (
        "<|system|>\nS</s>\n<|user|>\nU1</s>\n<|assistant|>\nA1</s>\n<|user|>\nU2</s>\n<|assistant|>\n"
    ),
}


def message(role, content="", **fields):
    return Struct("api.Message", {"Role": role, "Content": content, "ToolCalls": [], **fields})


def render(name, messages, **data):
    systems = [m.fields["Content"] for m in messages if m.fields["Role"] == "system"]
    root = {"System": "\n\n".join(systems), "Messages": messages, "Tools": None, "Response": "", **data}
    return Template.parse(NAMED[name].template).execute(root)


@pytest.mark.parametrize("name", RENDERED)
def test_a_named_template_renders_the_known_prompt(name):
    assert render(name, [message(*turn) for turn in CONVERSATION]) == RENDERED[name]


def test_every_named_template_is_in_the_table_and_has_stop_strings():
    assert set(NAMED) == set(RENDERED)
    assert all(named.name == name and named.stop for name, named in NAMED.items())


@pytest.mark.parametrize("name", NAMED)
def test_a_named_template_can_do_without_a_system_text(name):
    assert "messages" in Template.parse(NAMED[name].template).variables
    with_system = render(name, [message("system", "SECRET"), message("user", "hello")])
    without = render(name, [message("user", "hello")])
    assert ("SECRET" in with_system, "SECRET" in without, "hello" in without) == (True, False, True)


def test_gemma_joins_system_texts_into_the_next_user_turn():
    turns = [message("system", "A"), message("user", "u"), message("system", "B"), message("system", "C")]
    assert render("gemma-instruct", [*turns, message("user", "v")]) == (
        "<start_of_turn>user\nA\nu<end_of_turn>\n<start_of_turn>user\nB\n\nC\nv<end_of_turn>\n<start_of_turn>model\n"
    )


def test_command_r_shows_tools_calls_and_results():
    location = Struct("api.ToolProperty", {"Type": TypeList(["string"]), "Description": "where"})
    parameters = Struct("P", {"Properties": JSONMap({"location": location})})
    function = {"Name": "weather", "Description": "Look outside", "Parameters": parameters}
    call = Struct(
        "C", {"Function": Struct("F", {"Name": "weather", "Arguments": JSONMap({"location": "Rome"})})}
    )
    prompt = render(
        "command-r",
        [message("user", "U"), message("assistant", ToolCalls=[call]), message("tool", "sunny")],
        Tools=[Struct("T", {"Function": Struct("F", function)})],
    )
    assert 'def weather(location: string, ) -> List[Dict]:\n    """Look outside\n' in prompt
    assert "        location (string): where\n" in prompt
    assert '"tool_name": "weather",\n        "parameters": {"location":"Rome"}\n    }\n]```' in prompt
    assert "<results>\nconsole_output: sunny\n</results><|END_OF_TURN_TOKEN|>" in prompt


def slow_distance(one, other):
    row = list(range(len(other) + 1))
    for index, character in enumerate(one, start=1):
        following = [index]
        for column, opposite in enumerate(other, start=1):
            cost = character != opposite
            following.append(min(row[column] + 1, following[-1] + 1, row[column - 1] + cost))
        row = following
    return row[-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", ""),
        ("", "abc"),
        ("abc", ""),
        ("kitten", "sitting"),
        ("abcdef", "azced"),
        ("aäb", "ab"),
        ("ab", "ba"),
    ],
)
def test_distance_counts_edits(one, other):
    assert distance(one, other, MAX_DISTANCE) == slow_distance(one, other)


def test_distance_stops_at_the_limit():
    assert distance("a" * 50, "b" * 50, 50) == 50
    assert distance("a" * 50, "b" * 49 + "a", 50) == 49
    assert distance("a" * 5000, "b", 100) == 100
    assert distance("abcd" * 500, "dcba" * 500, 100) == 100


def test_the_table_of_known_templates_names_only_templates_that_exist():
    assert len(FINGERPRINTS) == 37
    assert {name for name, _, _ in FINGERPRINTS} == set(NAMED) - {"vicuna"}


def test_every_known_text_is_that_of_the_table():
    marks = {(name, length, digest) for name, length, digest in FINGERPRINTS}
    assert {(name, *fingerprint(text)) for name, text in known_texts()} <= marks
    assert len(known_texts()) == 27


@pytest.mark.parametrize(("name", "text"), known_texts(), ids=lambda value: value[:12])
def test_a_known_text_is_found_as_it_is_and_with_small_changes(name, text):
    named = detect(text)
    assert named is not None
    assert named.name == name
    assert detect(text.replace("\n", "\r\n") + "\n") == named
    changed = detect(text[:100] + "{# changed #}" + text[100:])
    assert changed == named


def test_a_text_changed_beyond_the_limit_is_not_detected():
    text = dict(known_texts())["openchat"]
    assert detect(text + "{#" + "." * 90 + "#}") == detect(text)
    assert detect(text + "{#" + "." * 200 + "#}") is None


@pytest.mark.parametrize("text", ["", "{{ x }}", "a" * 400, "ö" * 5000])
def test_an_unknown_text_is_not_detected(text):
    assert _exact(text) is None
    assert detect(text) is None
