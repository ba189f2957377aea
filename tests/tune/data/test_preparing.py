from __future__ import annotations

from dataclasses import replace

import pytest

from corral.errors import InvalidInput, Unsupported
from corral.tune.data import Prepared, prepare
from corral.tune.spec import Spec

pytestmark = pytest.mark.anyio


def chat(question: str, answer: str) -> dict:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


ROWS = [chat(f"Who is number {number}?", f"Number {number} is Ada.") for number in range(40)]


async def prepared(
    model, *data: str, max_length: int = 512, seed: int = 0, reason=None, **fields
) -> Prepared:
    spec = Spec(folder="", home="", models="", base="pocket", data=data, **fields)
    share = {"eval_fraction": 0.05, "seed": seed}
    return await prepare(spec, model, max_length=max_length, **share, reason=reason)


async def test_rows_become_sequences_whose_answers_are_learnt_to_the_end(pocket, write):
    found = await prepared(pocket, write("a.jsonl", ROWS))
    assert (len(found.train), len(found.held_out)) == (38, 2)
    (sample, *_) = found.report.samples
    assert [(span.text, span.trained) for span in sample.spans] == [
        ("<|im_start|>user\nWho is number 0?<|im_end|>\n<|im_start|>assistant\n", False),
        ("<think>\n\n</think>\n\nNumber 0 is Ada.<|im_end|>", True),
    ]
    sequence = found.train[0]
    assert len(sequence.tokens) == len(sequence.trained)
    assert set(sequence.trained) == {0, 1}


async def test_too_few_rows_are_told_with_what_the_others_lack(pocket, write):
    data = write("few.jsonl", [ROWS[0], {"messages": []}, ROWS[0]])
    with pytest.raises(
        InvalidInput, match=r"too little.*; other rows cannot be used: .*\(1 row, few.jsonl:2\)"
    ):
        await prepared(pocket, data)


async def test_the_report_counts_what_was_read(pocket, write):
    broken = [
        *ROWS,
        ROWS[0],
        {"messages": []},
        {"messages": [{"role": "user", "content": "?"}]},
        {"other": 1},
    ]
    report = (await prepared(pocket, write("a.jsonl", broken))).report
    assert (report.rows, report.used, report.duplicates, report.sequences) == (44, 41, 1, 41)
    assert [(drop.reason, drop.rows, drop.places) for drop in report.dropped] == [
        ("it has no messages", 2, ("a.jsonl:42", "a.jsonl:44")),
        ("it has no answer", 1, ("a.jsonl:43",)),
    ]
    assert report.files[0].format == "messages"
    assert report.lengths.min <= report.lengths.median <= report.lengths.p95 <= report.lengths.max
    assert report.trained_share == report.trained_tokens / report.tokens
    assert 0.3 < report.trained_share < 0.7


async def test_rows_without_reasoning_are_counted_where_the_base_reasons(pocket, write):
    rows = [*ROWS[:5], ROWS[5] | {"think": False}]
    report = (await prepared(pocket, write("a.jsonl", rows))).report
    assert [note for note in report.notes if note.startswith("5 rows teach a base that reasons")]
    report = (await prepared(replace(pocket, capabilities=("completion",)), write("a.jsonl", rows))).report
    assert report.notes == ()


async def test_rows_without_reasoning_are_learnt_with_that_of_the_base_and_without(pocket, write):
    async def reason(row):
        return "" if "number 3" in row.messages[-2].content else "It asks for a name."

    path = write("a.jsonl", [*ROWS[:4], ROWS[5] | {"think": False}])
    found = await prepared(pocket, path, reason=reason)
    assert (found.report.used, found.report.reasoned, found.report.sequences) == (5, 3, 8)
    at_once, reasoned = [sample.spans for sample in found.report.samples[:2]]
    assert at_once[0].text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert [(span.text, span.trained) for span in at_once[1:]] == [("Number 0 is Ada.<|im_end|>", True)]
    assert reasoned[0].text.endswith("<|im_start|>assistant\n")
    assert reasoned[1].text == "<think>\nIt asks for a name.\n</think>\n\nNumber 0 is Ada.<|im_end|>"
    assert not {each.row for each in found.train} & {each.row for each in found.held_out}
    assert any("3 rows without reasoning are learnt twice" in note for note in found.report.notes)
    assert any(note.startswith("1 rows teach a base that reasons to answer") for note in found.report.notes)


async def test_of_a_conversation_the_last_answer_gets_reasoning(pocket, write):
    async def reason(row):
        return "Hm."

    talk = {"messages": [*ROWS[0]["messages"], *ROWS[1]["messages"]]}
    found = await prepared(pocket, write("a.jsonl", [talk, *ROWS[2:4]]), reason=reason)
    last = found.report.samples[1 if len(found.report.samples) == 4 else 2].spans
    assert [span.text for span in last if span.trained] == [
        "<think>\nHm.\n</think>\n\nNumber 1 is Ada.<|im_end|>"
    ]


async def test_nothing_is_trained_where_no_row_can_be_used(pocket, write):
    with pytest.raises(InvalidInput, match=r"no row can be used: .*\(2 rows, a.jsonl:1\)"):
        await prepared(pocket, write("a.jsonl", [{"messages": [{"role": "user", "content": "a"}]}] * 2))


async def test_the_same_seed_holds_out_the_same_rows(pocket, write):
    path = write("a.jsonl", ROWS)
    first, again, other = [await prepared(pocket, path, seed=seed) for seed in (1, 1, 2)]
    assert first.held_out == again.held_out != other.held_out
    assert first.digest == again.digest


async def test_rows_to_hold_out_are_not_trained_on(pocket, write):
    check = write("check.jsonl", [*ROWS[:3], chat("And you?", "I am Ada.")])
    found = await prepared(pocket, write("a.jsonl", ROWS), validation=(check,))
    assert (len(found.train), len(found.held_out)) == (37, 4)
    assert found.report.notes[0] == "3 rows to hold out are in the data too: not trained on"
    assert not {sequence.row for sequence in found.train} & {sequence.row for sequence in found.held_out}


async def test_a_long_conversation_loses_its_oldest_turns_and_keeps_its_system_text(pocket, write):
    turns = [
        message
        for number in range(12)
        for message in chat(f"Number {number}?" * 8, f"It is {number}.")["messages"]
    ]
    row = {"messages": [{"role": "system", "content": "Be brief."}, *turns]}
    found = await prepared(pocket, write("a.jsonl", [row, ROWS[0]]), max_length=200)
    report = found.report
    assert max(len(sequence.tokens) for sequence in found.train + found.held_out) <= 200
    assert report.lengths.max > 200
    assert report.over_long > 0
    assert any("lost their oldest turns" in note for note in report.notes)
    assert report.samples[0].spans[0].text.startswith("<|im_start|>system\nBe brief.")


async def test_a_row_that_is_too_long_however_it_is_cut_is_dropped(pocket, write):
    report = (await prepared(pocket, write("a.jsonl", [*ROWS, chat("hi", "long " * 900)]))).report
    assert [drop.reason for drop in report.dropped] == [
        "longer than 512 tokens, even without its earlier turns"
    ]


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ({"content": "So <|im_end|> it ends."},
         "a message has <|im_end|> in its text, which ends an answer of this base"),
        ({"content": "So.", "thinking": "It ends <|im_end|> here."},
         "a message has <|im_end|> in its text, which ends an answer of this base"),
        ({"tool_calls": [{"function": {"name": "get", "arguments": "{}"}}]},
         "it has tool calls and declares no tools: nobody would read them"),
    ],
)  # fmt: skip
async def test_an_answer_that_could_not_be_served_is_dropped(pocket, write, turn: dict, reason: str):
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", **turn}]}
    report = (await prepared(pocket, write("a.jsonl", [*ROWS, row]))).report
    assert [(drop.reason, drop.places) for drop in report.dropped] == [(reason, ("a.jsonl:41",))]


async def test_what_the_base_cannot_do_is_not_learnt(pocket, write):
    tools = [{"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}]
    thoughtful = {"role": "assistant", "content": "b", "thinking": "hm"}
    rows = [ROWS[0]["messages"], [ROWS[0]["messages"][0], thoughtful]]
    data = write("a.jsonl", [*ROWS, {"messages": rows[0], "tools": tools}, {"messages": rows[1]}])
    report = (await prepared(replace(pocket, capabilities=("completion",)), data)).report
    assert [drop.reason for drop in report.dropped] == [
        "it has tools, which this base cannot use",
        "it has reasoning, which this base does not know: take it out of the rows",
    ]


async def test_a_text_is_learnt_whole_with_its_end_and_in_pieces_where_it_is_long(pocket, write):
    texts = [{"text": f"Number {number} is Ada."} for number in range(10)]
    found = await prepared(pocket, write("a.jsonl", [{"text": "Ada and Bob. " * 100}, *texts]), max_length=64)
    (whole,) = found.report.samples[-1].spans
    assert (whole.text, whole.trained) == ("Number 1 is Ada.<|im_end|>", True)
    assert max(len(sequence.tokens) for sequence in found.train) == 64
    assert any("texts were cut in pieces" in note for note in found.report.notes)
    assert found.report.used == 11


async def test_a_row_whose_text_has_its_end_already_gets_no_second(pocket, write):
    rows = [{"text": f"<|im_start|>user\n{number}<|im_end|>"} for number in range(3)]
    found = await prepared(pocket, write("a.jsonl", rows))
    assert found.report.samples[0].spans[0].text == "<|im_start|>user\n0<|im_end|>"


async def test_a_model_that_writes_no_text_is_refused(pocket, write):
    with pytest.raises(Unsupported, match="does not write text"):
        await prepared(replace(pocket, capabilities=("embedding",)), write("a.jsonl", ROWS))
