from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corral.core.messages import Message, ToolCall, parse_tool
from corral.errors import InvalidInput, Unsupported
from corral.tune.data import Dropped, Row, containers
from corral.tune.data.reading import DataFile

Write = Callable[..., str]
ASKED, ANSWERED = Message("user", "Capital of Peru?"), Message("assistant", "Lima")
TALK = (ASKED, ANSWERED)
BRIEF = Message("system", "Be brief.")
TURNS = [{"role": "user", "content": "Capital of Peru?"}, {"role": "assistant", "content": "Lima"}]
PARTS = [{"type": "text", "text": "Capital of "}, {"type": "text", "text": "Peru?"}]
SHARED = [{"from": "human", "value": "Capital of Peru?"}, {"from": "gpt", "value": "Lima"}]
GET = {
    "name": "get",
    "description": "",
    "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
}
TOOL = parse_tool({"type": "function", "function": GET})


def calling(function: dict) -> dict:
    return {"role": "assistant", "tool_calls": [{"function": function}]}


def rows(path: str, told: str = "") -> list[Row]:
    found = list(DataFile(Path(path), told))
    assert not any(isinstance(row, Dropped) for row in found), found
    return [row for row in found if isinstance(row, Row)]


def dropped(path: str) -> list[tuple[int, str]]:
    return [(row.place.line, row.reason) for row in DataFile(Path(path)) if isinstance(row, Dropped)]


def format_of(path: str) -> str:
    file = DataFile(Path(path))
    list(file)
    return file.format


@pytest.mark.parametrize(
    ("row", "format", "messages"),
    [
        ({"messages": TURNS}, "messages", TALK),
        ({"messages": [{"role": "developer", "content": "Be brief."}, *TURNS]}, "messages",
         (BRIEF, *TALK)),
        ({"messages": [{"role": "user", "content": PARTS}, TURNS[1]]}, "messages", TALK),
        ({"messages": [TURNS[0], TURNS[1] | {"reasoning_content": "South America"}]}, "messages",
         (ASKED, Message("assistant", "Lima", "South America"))),
        ({"conversations": TURNS}, "messages", TALK),
        ({"conversations": SHARED}, "sharegpt", TALK),
        ({"system": "Be brief.", "conversations": SHARED}, "sharegpt", (BRIEF, *TALK)),
        ({"instruction": "Capital of Peru?", "input": "", "output": "Lima", "text": "### Instruction: ..."},
         "alpaca", TALK),
        ({"instruction": "Capital?", "input": "Peru", "response": "Lima"}, "alpaca",
         (Message("user", "Capital?\n\nPeru"), ANSWERED)),
        ({"instruction": "Capital of Peru?", "output": "Lima", "system": "Be brief.",
          "history": [["a", "b"]]},
         "alpaca", (BRIEF, Message("user", "a"), Message("assistant", "b"), *TALK)),
        ({"prompt": "Capital of Peru?", "completion": "Lima"}, "completion", TALK),
        ({"question": "Capital of Peru?", "answer": "Lima", "id": 7}, "completion", TALK),
        ({"prompt": [TURNS[0]], "completion": [TURNS[1]]}, "completion", TALK),
        ({"prompt": "Capital of Peru?", "response": "Lima", "system": "Be brief."}, "completion",
         (BRIEF, *TALK)),
    ],
)  # fmt: skip
def test_a_row_of_each_format_becomes_its_conversation(write: Write, row: dict, format: str, messages: Any):
    path = write("a.jsonl", [row])
    assert [found.messages for found in rows(path)] == [messages]
    assert format_of(path) == format


def test_tools_calls_and_their_results_are_read(write: Write):
    call = {"id": "c1", "type": "function", "function": {"name": "get", "arguments": '{"a": "x"}'}}
    turns = [
        {"role": "user", "content": "Get x"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "7"},
        {"role": "assistant", "content": "It is 7."},
    ]
    tools = [{"type": "function", "function": GET}]
    expected = (
        Message("user", "Get x"),
        Message("assistant", tool_calls=(ToolCall("get", {"a": "x"}, "c1"),)),
        Message("tool", "7", tool_name="get", tool_call_id="c1"),
        Message("assistant", "It is 7."),
    )
    (row,) = rows(write("a.jsonl", [{"messages": turns, "tools": tools, "parallel_tool_calls": False}]))
    assert (row.messages, row.tools) == (expected, (TOOL,))
    shared = [
        {"from": "human", "value": "Get x"},
        {"from": "function_call", "value": '{"name": "get", "arguments": {"a": "x"}}'},
        {"from": "observation", "value": "7"},
        {"from": "gpt", "value": "It is 7."},
    ]
    (row,) = rows(write("b.jsonl", [{"conversations": shared, "tools": json.dumps([GET])}]))
    assert row.tools == (TOOL,)
    assert [message.tool_name for message in row.messages] == ["", "", "get", ""]
    assert row.messages[1].tool_calls == (ToolCall("get", {"a": "x"}),)


def test_each_completion_of_a_list_is_a_row(write: Write):
    found = rows(write("a.jsonl", [{"prompt": "Hi", "completion": ["Hello", "Hi!"]}]))
    assert [row.messages[-1].content for row in found] == ["Hello", "Hi!"]


def test_answers_of_weight_zero_are_given_and_not_learnt(write: Write):
    turns = [TURNS[0], TURNS[1] | {"weight": 0}, *TURNS]
    (row,) = rows(write("a.jsonl", [{"messages": turns}]))
    assert row.untrained == {1}
    (row,) = rows(write("b.jsonl", [{"prompt": TURNS * 2 + [TURNS[0]], "completion": "Lima"}]))
    assert row.untrained == {1, 3}


def test_what_stands_behind_the_last_answer_is_left_out_and_counted(write: Write):
    file = DataFile(Path(write("a.jsonl", [{"messages": [*TURNS, TURNS[0]]}])))
    assert [row.messages for row in file if isinstance(row, Row)] == [TALK]
    assert file.num_open == 1


TABLE = 'instruction,input,output\r\n"Capital of\nPeru?",,"Lima, ""the city"""\r\n\r\nHi,,Hello\r\n'


@pytest.mark.parametrize(
    ("name", "content", "questions"),
    [
        ("a.csv", TABLE, [(2, "Capital of\nPeru?"), (5, "Hi")]),
        ("a.tsv", "prompt\tcompletion\na,b\tc\n", [(2, "a,b")]),
        ("a", "Question;Answer\na;b\n", [(2, "a")]),
        ("a.csv", 'messages,note\n"[{""role"": ""user"", ""content"": ""a""}, '
         '{""role"": ""assistant"", ""content"": ""b""}]",x\n', [(2, "a")]),
        ("a.json", '[\n{"prompt": "a", "completion": "b"},\n\n{"prompt": "c[\\"]", "completion": "d"}]\n',
         [(2, "a"), (4, 'c["]')]),
        ("a.jsonl", '\ufeff{"prompt": "a", "completion": "b"}\r\n\r\n{"prompt": "ä", "completion": "b"}',
         [(1, "a"), (3, "ä")]),
        ("a.jsonl.gz", gzip.compress(b'{"prompt": "a", "completion": "b"}\n'), [(1, "a")]),
    ],
)  # fmt: skip
def test_rows_are_found_in_every_kind_of_file_with_their_lines(
    write: Write, name: str, content: Any, questions: list[tuple[int, str]]
):
    found = rows(write(name, content))
    assert [(row.place.line, row.messages[0].content) for row in found] == questions


def test_an_array_is_read_piece_by_piece_wherever_it_is_cut(write: Write, monkeypatch: pytest.MonkeyPatch):
    values = [{"text": 'x"],[{\\ü'}, {"text": "y", "more": [1, {"a": []}, None]}, {"text": "z" * 50}] * 3
    path = write("a.json", "\n " + json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    for size in (1, 2, 7, 64, 1 << 20):
        monkeypatch.setattr(containers, "_CHUNK", size)
        assert [row.text for row in rows(path)] == [value["text"] for value in values]


def test_plain_text_is_read_by_paragraph_or_by_line_where_there_is_none(write: Write):
    assert [(row.place.line, row.text) for row in rows(write("a.txt", "one\ntwo\n\n \nthree\n"))] == [
        (1, "one\ntwo"),
        (5, "three"),
    ]
    assert [row.text for row in rows(write("b.txt", "one\ntwo\n"))] == ["one", "two"]
    assert [row.text for row in rows(write("c.jsonl", [{"text": "one\n\ntwo"}]))] == ["one\n\ntwo"]


def test_parquet_is_read_with_lists_and_structs(tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    calls = [{"function": {"name": "get", "arguments": '{"a": 1}'}}]
    turns = [TURNS[0] | {"tool_calls": None}, {"role": "assistant", "content": None, "tool_calls": calls}]
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([{"messages": TURNS}, {"messages": turns}]), path)
    assert [row.messages for row in rows(str(path))] == [
        TALK,
        (ASKED, Message("assistant", tool_calls=(ToolCall("get", {"a": 1}),))),
    ]


def test_json_that_is_an_answer_stays_a_text_in_tables(write: Write, tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    answer = '{"name": "Ada", "tags": ["a"]}'
    table = 'prompt,completion\n"[1, 2]","{""name"": ""Ada"", ""tags"": [""a""]}"\n'
    (found,) = rows(write("a.csv", table))
    assert [message.content for message in found.messages] == ["[1, 2]", answer]
    path = tmp_path / "a.parquet"
    turns = [TURNS[0], {"role": "assistant", "content": answer}]
    parquet.write_table(pyarrow.Table.from_pylist([{"messages": turns}]), path)
    (found,) = rows(str(path))
    assert found.messages[1].content == answer


def test_a_parquet_file_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1....PAR1")
    with pytest.raises(Unsupported, match="pyarrow is not installed") as caught:
        list(DataFile(tmp_path / "a.parquet"))
    assert "corral[tune]" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.jsonl", "", "a.jsonl is empty"),
        ("a.jsonl", " \n\n", "a.jsonl is empty"),
        ("a.jsonl", b"\x7fELF\0\1\2", "a.jsonl is no text"),
        ("a.jsonl", b"GGUF\3\0\0\0", "a.jsonl is a model"),
        ("a.csv", b"PK\3\4....", "ZIP archive or a spreadsheet"),
        ("a.csv", "prompt,completion\na,b\n".encode("utf-16"), "a.csv is UTF-16"),
        ("a.jsonl", b'{"text": "a"}\n{"text": "\xe9"}\n', "a.jsonl:2: byte 0xe9 is not UTF-8"),
        ("a.json", b'[{"text": "a"},\n{"text": "\xe9"}]', "a.json:2: byte 0xe9 is not UTF-8"),
        ("a.jsonl", "no JSON at all", "a.jsonl:1: this is no JSON"),
        ("a.json", '[{"text": "a"}, {"text": "b"}', "a.json:1: the array does not end"),
        ("a.json", '[{"text": "a"}]\n[]', "a.json:1: text after the end of the array"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "a"}\n' * 99)[:-20], "cannot be unpacked"),
        ("a.csv", 'prompt,completion\na,"b\n', "a.csv:2: no valid CSV"),
        ("a.csv", "prompt,prompt\na,b\n", "two columns have one name"),
        ("a.parquet", b"PAR1 and no more PAR1", "no valid Parquet"),
        ("a.jsonl", '{"text": "a"}\n{"prompt": "a", "completion": "b"}\n',
         "a.jsonl:2: this row is of the format completion, those before are text"),
        ("a.jsonl", '{"a": 1, "b": 2}\n', r"a.jsonl:1: its fields \(a, b\) are not those of examples"),
        ("a.jsonl", '{"prompt": "a", "chosen": "b", "rejected": "c"}\n', "a better and a worse answer"),
        ("a.jsonl", '{"instruction": "a", "output": "b", "prompt": "c", "completion": "d"}\n',
         "may be alpaca or completion"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_with_the_place(
    write: Write, name: str, content: Any, problem: str
):
    with pytest.raises(InvalidInput, match=problem):
        list(DataFile(Path(write(name, content))))


def test_a_row_may_not_be_longer_than_memory_allows(write: Write, monkeypatch: pytest.MonkeyPatch):
    for module in ("files", "containers"):
        monkeypatch.setattr(f"corral.tune.data.{module}.MAX_ROW_BYTES", 100)
    monkeypatch.setattr(containers, "_CHUNK", 64)
    long = {"text": "a" * 200}
    for name, content in (
        ("a.jsonl", [{"text": "a"}, long]),
        ("a.json", json.dumps([{"text": "a"}, long], indent=0)),
        ("a.txt", "a\n" * 10 + "\n" + "b" * 200),
    ):
        with pytest.raises(InvalidInput, match="a row is longer than"):
            list(DataFile(Path(write(name, content))))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{broken", "no valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("7", "no object with named fields"),
        ({"messages": []}, "it has no messages"),
        ({"messages": ["a"]}, "message 1 is a text, no object"),
        ({"messages": [{"role": "alien", "content": "a"}]}, "message 1 has the role 'alien'"),
        ({"messages": [TURNS[0]]}, "it has no answer"),
        ({"messages": [TURNS[0], {"role": "assistant", "content": " "}]}, "an answer is empty"),
        ({"messages": [TURNS[1]]}, "it begins with an answer: nothing is asked"),
        ({"messages": [TURNS[0], TURNS[1] | {"weight": 0}]}, "all its answers have the weight 0"),
        ({"messages": [{"role": "user", "content": 7}]}, "message 1, its content is a number, no text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
         "message 1 has a part of the type 'image_url': only text can be learnt"),
        ({"messages": [TURNS[0], calling({"name": "f", "arguments": "{"})]},
         "message 2, its call 1, its arguments: no valid JSON"),
        ({"messages": [TURNS[0], calling({})]}, "message 2, its call 1 names no function"),
        ({"messages": TURNS, "tools": {"a": 1}}, "its tools are no list"),
        ({"messages": TURNS, "think": "much"}, "think is neither true nor false"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_is_dropped_with_line_and_reason(write: Write, row: Any, reason: str):
    line = row if isinstance(row, str) else json.dumps(row)
    path = write("a.jsonl", json.dumps({"messages": TURNS}) + "\n" + line + "\n")
    ((number, said),) = dropped(path)
    assert number == 2
    assert said.startswith(reason)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", [{"conversations": [{"from": "alien", "value": "a"}]}], "message 1 is from 'alien'"),
        ("a.jsonl", [{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": ["b"]}]}],
         "message 2 is a list, no text"),
        ("a.jsonl", [{"conversations": [{"from": "human", "value": "a"}]}], "it has no answer"),
        ("a.jsonl", [{"instruction": "a", "output": ""}], "an answer is empty"),
        ("a.jsonl", [{"instruction": "a", "output": 7}], "output is a number, no text"),
        ("a.jsonl", [{"instruction": "a", "output": "b", "history": [["c"]]}],
         "its history is no list of [question, answer]"),
        ("a.jsonl", [{"prompt": "a", "completion": None}], "an answer is empty"),
        ("a.jsonl", [{"prompt": "a", "completion": []}], "its list of completions is empty"),
        ("a.jsonl", [{"prompt": ["a"], "completion": "b"}], "message 1 is a text, no object"),
        ("a.jsonl", [{"text": " "}], "its text is empty"),
        ("a.jsonl", [{"text": {"a": 1}}], "text is an object, no text"),
        ("a.json", "[7, null]", "no object with named fields"),
        ("a.csv", "prompt,completion\na,\n", "its fields (prompt) are not those of examples"),
    ],
)  # fmt: skip
def test_bad_rows_of_every_format_are_refused_with_the_reason(
    write: Write, name: str, content: Any, reason: str
):
    try:
        said = [said for _, said in dropped(write(name, content))]
        assert said
    except InvalidInput as error:
        said = [error.message.partition(": ")[2]]
    assert all(text.startswith(reason) for text in said)


def test_a_table_row_with_too_few_fields_is_dropped(write: Write):
    assert dropped(write("a.csv", "prompt,completion\na\nb,c\n")) == [(2, "1 fields where the header has 2")]


def test_the_format_that_is_told_decides(write: Write):
    both = {"instruction": "a", "output": "b", "prompt": "c", "completion": "d"}
    path = write("a.jsonl", [both])
    assert rows(path, "alpaca")[0].messages[0].content == "a"
    assert rows(path, "completion")[0].messages[0].content == "c"
    with pytest.raises(InvalidInput, match="is plain text, no alpaca"):
        rows(write("a.txt", "a"), "alpaca")


def test_what_was_found_is_told_with_fields_that_were_not_used(write: Write):
    path = write("a.jsonl", [{"messages": TURNS, "id": 1, "source": "me"}] * 2)
    file = DataFile(Path(path))
    list(file)
    found = file.found()
    assert (found.path, found.format, found.rows, found.bytes) == (
        path,
        "messages",
        2,
        Path(path).stat().st_size,
    )
    assert file.unused == {"id", "source"}


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InvalidInput, match="does not exist"):
        list(DataFile(tmp_path / "none.jsonl"))
    with pytest.raises(InvalidInput, match="is a folder"):
        list(DataFile(tmp_path))
