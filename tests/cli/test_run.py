from __future__ import annotations

import base64
import json

import pytest

from corral.cli.answer import stats_text
from tests.helpers.scripted_server import Asked, Reply

NO_JSON = "json: error calling MarshalJSON for type json.RawMessage: "
PLAIN = Reply({"capabilities": ["completion"]})
ANSWER = Reply([{"response": "Li"}, {"response": "ma."}, {"response": "", "done": True, "eval_count": 2}])


def test_run_prints_the_answer_and_an_empty_line(server, corral):
    server.on("POST", "/api/show", PLAIN)
    server.on("POST", "/api/generate", ANSWER)
    outcome = corral("run", "m", "capital", "of", "peru")
    assert (outcome.status, outcome.out, outcome.err) == (0, "Lima.\n\n", "")
    assert server.asked[1] == Asked("POST", "/api/generate", {"model": "m", "prompt": "capital of peru"})


def test_what_is_piped_in_comes_before_the_words(server, corral):
    server.on("POST", "/api/show", PLAIN)
    server.on("POST", "/api/generate", ANSWER)
    corral("run", "m", "shorten this", stdin="a text\n")
    assert server.asked[1].body["prompt"] == "a text\n shorten this"


@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        (["--think=false"], {"think": False}),
        (["--think"], {"think": True}),
        (["--think=high"], {"think": "high"}),
        (["--keepalive", "5m"], {"keep_alive": "5m0s"}),
        (["--keepalive=-1s"], {"keep_alive": -1}),
        (["--format", "json"], {"format": "json"}),
        (["--format", '{"type":"object"}'], {"format": {"type": "object"}}),
    ],
)
def test_flags_become_fields_of_the_request(server, corral, flags, fields):
    server.on("POST", "/api/show", PLAIN)
    server.on("POST", "/api/generate", ANSWER)
    corral("run", "m", "hi", *flags)
    assert server.asked[1].body == {"model": "m", "prompt": "hi", **fields}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--think=maybe"],
            'invalid value for --think: "maybe" (must be true, false, high, medium, low, or max)',
        ),
        (["--keepalive", "5"], 'time: missing unit in duration "5"'),
        (["--keepalive=abc"], 'time: invalid duration "abc"'),
        (["--format", "yaml"], f"{NO_JSON}invalid character 'y' looking for beginning of value"),
        (["--format", "text"], f"{NO_JSON}invalid character 'e' in literal true (expecting 'r')"),
        (["--format", "nul"], f"{NO_JSON}unexpected end of JSON input"),
        (["--format", '{"type": "object"'], f"{NO_JSON}unexpected end of JSON input"),
        (["--format", '{"a" 1}'], f"{NO_JSON}invalid character '1' after object key"),
        (
            ["--format", "{a: 1}"],
            f"{NO_JSON}invalid character 'a' looking for beginning of object key string",
        ),
        (["--format", "{} {}"], f"{NO_JSON}invalid character '{{' after top-level value"),
    ],
)
def test_a_wrong_value_is_refused_before_the_server_is_asked(server, corral, flags, message):
    outcome = corral("run", "m", "hi", *flags)
    assert (outcome.status, outcome.err, server.asked) == (1, f"Error: {message}\n", [])


def test_a_model_that_can_think_is_let_to(server, corral):
    server.on("POST", "/api/show", Reply({"capabilities": ["completion", "thinking"]}))
    server.on("POST", "/api/generate", Reply([{"thinking": "Hm."}, {"response": "Lima."}, {"done": True}]))
    outcome = corral("run", "m", "hi")
    assert server.asked[1].body["think"] is True
    assert outcome.out == "Thinking...\nHm.\n...done thinking.\n\nLima.\n\n"


def test_thinking_can_be_hidden(server, corral):
    server.on("POST", "/api/show", Reply({"capabilities": ["thinking"]}))
    message = {"message": {"thinking": "Hm.", "content": "Lima."}}
    server.on("POST", "/api/chat", Reply([message, {"done": True}]))
    assert corral("run", "m", "hi", "--hidethinking").out == "Lima.\n\n"


def test_a_model_that_is_not_here_is_pulled_first(server, corral):
    server.on("POST", "/api/show", Reply({"error": "not found"}, 404), PLAIN)
    server.on("POST", "/api/pull", Reply([{"status": "pulling manifest"}, {"status": "success"}]))
    server.on("POST", "/api/generate", ANSWER)
    outcome = corral("run", "m", "hi", "--insecure")
    assert (outcome.out, outcome.err) == ("Lima.\n\n", "pulling manifest\nsuccess\n")
    assert server.asked[1].body == {"name": "m", "insecure": True}


def test_verbose_tells_counts_and_times_on_stderr(server, corral):
    server.on("POST", "/api/show", PLAIN)
    server.on("POST", "/api/generate", ANSWER)
    assert corral("run", "m", "hi", "--verbose").err == "eval count:           2 token(s)\n"


def test_the_statistics_are_those_that_were_measured():
    record = {
        "total_duration": 5191566416,
        "load_duration": 25130000,
        "prompt_eval_count": 26,
        "prompt_eval_duration": 130000000,
        "eval_count": 298,
        "eval_duration": 4700000000,
    }
    assert stats_text(record) == (
        "total duration:       5.191566416s\n"
        "load duration:        25.13ms\n"
        "prompt eval count:    26 token(s)\n"
        "prompt eval duration: 130ms\n"
        "prompt eval rate:     200.00 tokens/s\n"
        "eval count:           298 token(s)\n"
        "eval duration:        4.7s\n"
        "eval rate:            63.40 tokens/s\n"
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"truncated_messages": 3, "prompt_limit": 64}, "the 3 oldest message(s), to fit 64 tokens"),
        ({"prompt_limit": 64}, "the middle of the prompt, to fit 64 tokens"),
    ],
)
def test_the_statistics_say_what_the_model_did_not_see(record, expected):
    assert stats_text(record) == f"left out:             {expected}\n"


def test_an_embedding_model_prints_the_vector(server, corral):
    server.on("POST", "/api/show", Reply({"capabilities": ["embedding"]}))
    server.on("POST", "/api/embed", Reply({"embeddings": [[0.5, -0.25]]}))
    flags = ("--dimensions", "2", "--truncate=false", "--keepalive", "1m")
    assert corral("run", "e", "cat", *flags).out == "[0.5,-0.25]\n"
    expected = {"model": "e", "input": "cat", "keep_alive": "1m0s", "truncate": False, "dimensions": 2}
    assert server.asked[1].body == expected


def test_an_embedding_model_needs_a_text(server, corral):
    server.on("POST", "/api/show", Reply({"capabilities": ["embedding"]}))
    text = 'embedding models require input text. Usage: corral run e "your text here"'
    assert corral("run", "e").err == f"Error: {text}\n"


def test_files_are_sent_to_models_that_can_see(server, corral, tmp_path):
    image = b"\x89PNG\r\n\x1a\n"
    (tmp_path / "a.png").write_bytes(image)
    server.on("POST", "/api/show", Reply({"capabilities": ["completion", "vision"]}))
    server.on("POST", "/api/generate", ANSWER)
    corral("run", "m", "what is ./a.png")
    encoded = base64.b64encode(image).decode()
    assert server.asked[1].body == {"model": "m", "prompt": "what is", "images": [encoded]}


def test_an_error_in_the_middle_of_an_answer_is_told(server, corral):
    server.on("POST", "/api/show", PLAIN)
    server.on("POST", "/api/generate", Reply([{"response": "Li"}, {"error": "the model has crashed"}]))
    outcome = corral("run", "m", "hi")
    assert (outcome.status, outcome.out, outcome.err) == (1, "Li", "Error: the model has crashed\n")


def test_a_call_of_an_unknown_tool_is_shown(server, corral):
    call = {"function": {"name": "get_time", "arguments": {"zone": "UTC"}}}
    server.on("POST", "/api/show", PLAIN)
    server.on("POST", "/api/generate", Reply([{"tool_calls": [call], "done": True}]))
    expected = '  Model called a non-existent function \'get_time()\' with arguments: {"zone": "UTC"}\n\n\n'
    assert corral("run", "m", "hi").out == expected


def test_stopping_an_answer_is_no_failure(server, corral, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    server.on("POST", "/api/show", PLAIN)
    monkeypatch.setattr("corral.cli.client.Client.stream", interrupt)
    assert (corral("run", "m", "hi").status, corral("run", "m", "hi").err) == (0, "")


def test_an_answer_can_be_read_by_programs(server, corral):
    server.on("POST", "/api/show", Reply({"capabilities": ["completion", "thinking"]}))
    record = {"message": {"content": "Lima.", "thinking": "Hm."}, "done": True, "eval_count": 2}
    server.on("POST", "/api/chat", Reply(record))
    assert json.loads(corral("run", "m", "--json", "capital of peru").out) == record
    assert server.asked[-1].body == {
        "model": "m",
        "think": True,
        "messages": [{"role": "user", "content": "capital of peru"}],
        "stream": False,
    }
    assert corral("run", "m", "--json").err == "Error: --json needs a prompt\n"
