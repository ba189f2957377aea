"""curl, as any tutorial writes it."""

import json
import shutil
import subprocess

import pytest

from tests.helpers.questions import ANSWER, chat

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed: its tests are NOT run"),
]


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", *arguments], capture_output=True, timeout=60, check=True)
    return done.stdout.decode()


def test_a_whole_chat_is_one_object(server):
    text = curl(f"{server.base_url}/api/chat", "-d", json.dumps(chat(stream=False)))
    answer = json.loads(text)
    assert answer["message"] == {"role": "assistant", "content": ANSWER}
    assert answer["done"]


def test_a_streamed_chat_is_one_object_a_line(server):
    text = curl("-N", f"{server.base_url}/api/chat", "-d", json.dumps(chat()))
    records = [json.loads(line) for line in text.splitlines()]
    assert "".join(record["message"]["content"] for record in records) == ANSWER
    assert records[-1]["done_reason"] == "stop"


def test_a_streamed_generate_arrives_over_http_1_0_too(server):
    body = {"model": "peer", "prompt": "capital of peru", "think": False, "options": {"temperature": 0}}
    text = curl("--http1.0", f"{server.base_url}/api/generate", "-d", json.dumps(body))
    assert "".join(json.loads(line)["response"] for line in text.splitlines()) == ANSWER


def test_a_large_body_is_taken_after_expect_100_continue(server):
    body = chat(stream=False, images=["A" * 2_000_000])
    text = subprocess.run(
        ["curl", "-sS", "-H", "Expect: 100-continue", f"{server.base_url}/api/chat", "-d", "@-"],
        input=json.dumps(body).encode(),
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout
    assert json.loads(text)["message"]["content"] == ANSWER


def test_the_server_says_that_it_runs(server):
    assert curl(server.base_url) == "Ollama is running"


def test_a_browser_gets_a_page(server):
    page = curl("-H", "Accept: text/html,application/xhtml+xml", server.base_url)
    assert page.lstrip().lower().startswith("<!doctype html>")


def test_a_model_is_shown_and_listed(server):
    assert (
        json.loads(curl(f"{server.base_url}/api/show", "-d", '{"model":"peer"}'))["details"]["format"]
        == "gguf"
    )
    assert "peer:latest" in curl(f"{server.base_url}/api/tags")


def test_an_unknown_model_is_an_error_line(server):
    assert (
        curl(f"{server.base_url}/api/chat", "-d", '{"model":"nope"}')
        == '{"error":"model \'nope\' not found"}'
    )
