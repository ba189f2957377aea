import pytest

from corral.api.records import ChatAnswer, GenerateAnswer, metrics
from corral.core.events import Cut, Done, Rendered, Text, Thinking, TokenLogprob, ToolCalls, Usage
from corral.core.messages import ToolCall
from corral.errors import AnswerBrokenOff

USAGE = Usage(prompt_tokens=10, completion_tokens=2, prompt_s=0.5, decode_s=0.25, load_s=0.1, total_s=1.0)
METRICS = {
    "total_duration": 1_000_000_000,
    "load_duration": 100_000_000,
    "prompt_eval_count": 10,
    "prompt_eval_duration": 500_000_000,
    "eval_count": 2,
    "eval_duration": 250_000_000,
}
CALL = ToolCall("f", {"b": 1, "a": 2}, "call_1", 0)


def without_time(record):
    assert record.pop("created_at").endswith("Z")
    return record


def test_durations_are_nanoseconds_and_zeros_are_left_out():
    assert metrics(USAGE) == METRICS
    assert list(metrics(USAGE)) == list(METRICS)
    assert metrics(Usage()) == {}


def test_tokens_that_were_not_read_again_are_among_those_of_the_prompt():
    record = metrics(Usage(prompt_tokens=10, cached_tokens=8))
    assert record == {"prompt_eval_count": 10, "prompt_cached_count": 8}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Text("a"), {"message": {"role": "assistant", "content": "a"}, "done": False}),
        (Thinking("t"), {"message": {"role": "assistant", "content": "", "thinking": "t"}, "done": False}),
        (
            ToolCalls((CALL,)),
            {
                "message": {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [
                        {"id": "call_1", "function": {"index": 0, "name": "f", "arguments": {"b": 1, "a": 2}}}
                    ],
                },
                "done": False,
            },
        ),
        (
            Done("stop", USAGE),
            {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **METRICS},
        ),
        (
            Rendered("prompt", 1),
            {
                "message": {"role": "", "content": ""},
                "done": False,
                "_debug_info": {"rendered_template": "prompt", "image_count": 1},
            },
        ),
    ],
    ids=["text", "thinking", "call", "done", "rendered"],
)
def test_an_event_of_a_chat_is_a_record(event, expected):
    assert without_time(ChatAnswer("m").record(event)) == {"model": "m", **expected}


def test_a_whole_generate_holds_everything_in_order():
    events = [Thinking("t"), Text("a"), Text("b"), Done("length", USAGE, context=(1, 2))]
    record = without_time(GenerateAnswer("m").whole(events))
    expected = {"model": "m", "response": "ab", "thinking": "t", "done": True, "done_reason": "length"}
    assert record == expected | {"context": (1, 2)} | METRICS
    assert list(record)[:5] == ["model", "response", "thinking", "done", "done_reason"]


def test_a_whole_answer_without_an_end_is_not_done():
    assert GenerateAnswer("m").whole([Text("a"), Text("b")])["done"] is False


@pytest.mark.parametrize("kind", [ChatAnswer, GenerateAnswer])
@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (None, {}),
        (Cut(64, 3), {"truncated_messages": 3, "prompt_limit": 64}),
        (Cut(64), {"prompt_limit": 64}),
    ],
)
def test_the_last_record_says_what_the_model_did_not_see(kind, cut, expected):
    record = kind("m").record(Done("stop", USAGE, cut=cut))
    assert {key: record[key] for key in ("truncated_messages", "prompt_limit") if key in record} == expected


@pytest.mark.parametrize("kind", [ChatAnswer, GenerateAnswer])
def test_an_answer_without_its_format_is_an_error(kind):
    events = [Text("{"), Done("length", broken_off="cut off")]
    assert kind("m").stream(events)[1] == {"error": "cut off"}
    with pytest.raises(AnswerBrokenOff, match="cut off"):
        kind("m").whole(events)


def test_log_probabilities_carry_bytes_and_alternatives():
    entry = TokenLogprob("é", -0.5, (TokenLogprob("e", -1.0),))
    record = ChatAnswer("m").record(Text("é", (entry,)))
    assert record["logprobs"] == [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "e", "logprob": -1.0, "bytes": [101]}],
        }
    ]
