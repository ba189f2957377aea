from __future__ import annotations

import json

import pytest

from tests.helpers.scripted_server import Reply


def measured(prompt: int, answer: int, tokens: int = 100) -> Reply:
    """A request that read `prompt` and wrote `answer` tokens a second."""
    counts = {"prompt_eval_count": 1000, "eval_count": tokens}
    durations = {"prompt_eval_duration": 10**12 // prompt, "eval_duration": tokens * 10**9 // answer}
    return Reply({"response": "x", "done": True, **counts, **durations})


@pytest.fixture
def model(server):
    server.on("POST", "/api/show", Reply({}))
    server.on("GET", "/api/tags", Reply({"models": [{"name": "m:latest", "digest": "abc"}]}))
    server.on("GET", "/api/ps", Reply({"models": [{"digest": "abc"}]}))
    server.on("POST", "/api/generate", Reply({"done": True}), measured(1, 1), measured(500, 50))


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines()}


def test_speeds_are_those_of_the_server_after_a_first_request(model, corral):
    shown = rows(corral("bench", "m").out)
    assert shown["prompt"] == ["1000", "500.0", "tokens/s", "-", "-"]
    assert shown["answer"] == ["100", "50.0", "tokens/s", "-", "-"]
    assert shown["load"] == ["-", "-", "-", "-"]  # it was loaded already


def test_the_next_time_is_compared_with_the_last(model, server, corral):
    corral("bench", "m")
    server.on("POST", "/api/generate", Reply({"done": True}), measured(1, 1), measured(600, 40))
    shown = rows(corral("bench", "M", "--rounds", "1").out)
    assert shown["prompt"] == ["1000", "600.0", "tokens/s", "500.0", "tokens/s", "+20", "%"]
    assert shown["answer"] == ["100", "40.0", "tokens/s", "50.0", "tokens/s", "-20", "%"]


def test_the_middle_round_counts(model, server, corral):
    speeds = [measured(1, 1), measured(100, 10), measured(900, 90), measured(500, 50)]
    server.on("POST", "/api/generate", Reply({"done": True}), *speeds)
    found = json.loads(corral("bench", "m", "--json").out)
    assert (found["prompt"], found["answer"]) == (500.0, 50.0)
    assert found["last"] is None


def test_every_prompt_is_a_new_one(model, server, corral):
    corral("bench", "m", "--rounds", "2")
    prompts = [asked.body["prompt"] for asked in server.asked if "prompt" in (asked.body or {})]
    assert len(set(prompts)) == 3


def test_a_model_that_says_nothing_cannot_be_measured(model, server, corral):
    server.on("POST", "/api/generate", Reply({"done": True}), measured(1, 1, tokens=1))
    assert corral("bench", "m").err.endswith("Error: m writes too little to be measured\n")


def test_a_record_of_another_version_is_no_error(model, corral, tmp_path):
    corral("bench", "m")
    path = tmp_path / ".corral" / "bench.json"
    key = next(iter(json.loads(path.read_text())))
    path.write_text(json.dumps({key: {"what": 1}}))
    assert corral("bench", "m").status == 0
    path.write_text("no json")
    assert corral("bench", "m").status == 0
