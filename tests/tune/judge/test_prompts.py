from __future__ import annotations

from pathlib import Path

import pytest

from corral.core.messages import Message
from corral.errors import InvalidInput
from corral.tune.judge import Expected, read_checks

ASKED = (Message("user", "Capital of Peru?"),)
TURNS = [{"role": "user", "content": "Capital of Peru?"}]
PROMPT = {"prompt": "Capital of Peru?"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (PROMPT | {"expect": "Lima"}, Expected(contains=("Lima",))),
        ({"messages": TURNS, "expect": ["Lima", "Peru"]},
         Expected(contains=("Lima", "Peru"))),
        (PROMPT | {"expect": {"any": ["Lima"], "not": "Cusco", "exact": "Lima", "calls": []}},
         Expected(any=("Lima",), lacks=("Cusco",), exact="Lima", calls=[])),
        (PROMPT | {"expect": {"calls": [{"name": "get", "arguments": '{"a": 1}'}]}},
         Expected(calls=[("get", {"a": 1})])),
        ({"category": "capitals", "messages": TURNS, "content": "Lima",
          "thinking": True, "heat": 0.8, "stream": False, "tools": [], "calls": []},
         Expected(exact="Lima", calls=[], thinks=True)),
        ({"messages": TURNS, "content": "", "thinking": False,
          "calls": [["get", {"a": 1}]]},
         Expected(calls=[("get", {"a": 1})], thinks=False)),
    ],
)  # fmt: skip
def test_a_prompt_says_what_its_answer_must_hold(write, row: dict, expected: Expected):
    (check,) = read_checks(Path(write("p.jsonl", [row])))
    assert (check.messages, check.expected) == (ASKED, expected)


def test_a_table_holds_prompts_too(write):
    (check,) = read_checks(Path(write("p.csv", "prompt,expect,system\nCapital of Peru?,Lima,Be brief\n")))
    assert check.messages == (Message("system", "Be brief"), *ASKED)
    assert check.expected == Expected(contains=("Lima",))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"prompt": "a"}, "it does not say what to expect"),
        ({"prompt": "a", "expect": {}}, "it does not say what to expect"),
        ({"prompt": "a", "expect": []}, "expect is no text, and no list of texts"),
        ({"prompt": "a", "expect": {"contain": "b"}}, "unknown field 'contain' in expect"),
        ({"prompt": "a", "expected": "b"}, "unknown field 'expected'"),
        ({"prompt": "a", "expect": {"regex": "("}}, "regex: missing"),
        ({"prompt": "", "expect": "b"}, "it asks nothing"),
        ({"prompt": "a", "messages": [], "expect": "b"}, "it needs a prompt or messages, and not both"),
        ({"prompt": "a", "expect": "b", "think": "yes"}, "think is neither true nor false"),
        ({"messages": [{"role": "user", "content": "a"}], "content": "b", "calls": ["get"]},
         r"its calls are no list of \[name, arguments\]"),
        ("text", "no object with named fields"),
    ],
)  # fmt: skip
def test_a_prompt_that_cannot_be_used_is_named_by_its_line(write, row: object, problem: str):
    with pytest.raises(InvalidInput, match=f"^p.jsonl:2: {problem}"):
        read_checks(Path(write("p.jsonl", [{"prompt": "a", "expect": "b"}, row])))
