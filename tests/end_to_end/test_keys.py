"""A server that asks for keys: made by the command line, used by real clients, held to their budgets."""

import json
import subprocess
import sys

import ollama
import openai
import pytest

from tests.helpers.questions import ANSWER, MESSAGES, chat
from tests.helpers.server import serving, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A server that lets nobody in without a key, and has the model `peer`."""
    with serving(tmp_path_factory.mktemp("closed"), env={"CORRAL_OPEN": "none"}) as server:
        server.headers = bearer(make(server, "setup", "--scope", "infer,read,manage"))
        server.create("peer", "peer-suite.gguf")
        server.headers = {}
        yield server


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def corral(server, *words, key=""):
    command = [sys.executable, "-m", "corral.cli", *words]
    env = {**server.env, "CORRAL_API_KEY": key}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def make(server, name, *flags):
    made = corral(server, "keys", "create", name, *flags)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def ask(server, secret, **fields):
    body = chat(stream=False, **fields)
    status, answer = server.request("POST", "/api/chat", body, headers={"x-api-key": secret})
    return status, json.loads(answer)


def test_the_command_line_gets_in_with_its_key_and_is_told_how_without(closed):
    refused = corral(closed, "list")
    assert refused.returncode == 1
    assert "an API key with the scope read is needed" in refused.stderr
    assert "corral keys create NAME" in refused.stderr
    listed = corral(closed, "list", key=make(closed, "lister"))
    assert listed.stdout.splitlines()[1].startswith("peer:latest")


def test_a_revoked_key_stops_within_seconds(closed):
    secret = make(closed, "leaver")
    assert ask(closed, secret)[0] == 200
    assert corral(closed, "keys", "revoke", "leaver").returncode == 0
    wait_until(lambda: ask(closed, secret)[0] == 401, timeout_s=5)
    assert "not valid here" in ask(closed, secret)[1]["error"]


def test_tokens_are_booked_on_the_key_that_used_them(closed):
    secret = make(closed, "spender")
    status, answer = ask(closed, secret)
    assert (status, answer["message"]["content"]) == (200, ANSWER)
    admin = bearer(make(closed, "auditor", "--scope", "admin"))
    _, listed = closed.request("GET", "/api/keys", headers=admin)
    records = {record["name"]: record["usage"] for record in json.loads(listed)["keys"]}
    spent = records["spender"]
    assert (spent["requests"], spent["prompt_tokens"], spent["completion_tokens"]) == (
        1,
        answer["prompt_eval_count"],
        answer["eval_count"],
    )


def test_a_stream_is_booked_even_when_the_client_leaves(closed):
    secret = make(closed, "runaway", "--tokens", "20/day")
    closed.headers = bearer(secret)
    with closed.stream("/api/chat", chat(think=False)) as answer:
        answer.readline()
    closed.headers = {}
    while (refused := ask(closed, secret))[0] == 200:
        pass
    assert refused[0] == 429
    assert "over its token budget of 20/day" in refused[1]["error"]


def test_the_openai_library_sees_its_own_errors(closed):
    secret = make(closed, "modern", "--rate", "1/day")
    with openai.OpenAI(base_url=f"{closed.base_url}/v1", api_key=secret, max_retries=0) as client:
        answer = client.chat.completions.create(model="peer", messages=MESSAGES, temperature=0)
        assert answer.choices[0].message.content == ANSWER
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model="peer", messages=MESSAGES)
    assert int(caught.value.response.headers["retry-after"]) > 80_000
    assert caught.value.code == "rate_limit_exceeded"
    with (
        openai.OpenAI(base_url=f"{closed.base_url}/v1", api_key="none", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


def test_keys_can_be_managed_over_http_by_who_may(closed):
    admin = bearer(make(closed, "chief", "--scope", "admin"))
    status, made = closed.request("POST", "/api/keys", {"name": "guest", "scopes": ["infer"]}, headers=admin)
    assert status == 201
    secret = json.loads(made)["key"]
    assert ask(closed, secret)[0] == 200
    assert closed.request("GET", "/api/tags", headers=bearer(secret))[0] == 403
    assert closed.request("POST", "/api/keys", {"name": "more"}, headers=bearer(secret))[0] == 403
    assert closed.request("DELETE", "/api/keys/guest", headers=admin)[0] == 200
    assert ask(closed, secret)[0] == 401


def test_the_anthropic_library_sees_its_own_errors(closed):
    anthropic = pytest.importorskip("anthropic", reason="pip install -e '.[clients]'")
    secret = make(closed, "claude", "--rate", "1/day")
    asked = {"model": "peer", "max_tokens": 100, "messages": MESSAGES, "thinking": {"type": "disabled"}}
    with anthropic.Anthropic(base_url=closed.base_url, api_key=secret, max_retries=0) as client:
        message = client.messages.create(**asked)
        assert (message.content[0].text, message._request_id[:4]) == (ANSWER, "req_")
        with pytest.raises(anthropic.RateLimitError) as caught:
            client.messages.create(**asked)
    assert caught.value.body["request_id"] == caught.value.response.headers["request-id"]
    with (
        anthropic.Anthropic(base_url=closed.base_url, api_key="none", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(**asked)


def test_the_ollama_library_gets_in_with_a_header(closed):
    headers = bearer(make(closed, "native", "--scope", "read"))
    client = ollama.Client(host=closed.base_url, headers=headers)
    assert [model.model for model in client.list().models] == ["peer:latest"]
    with pytest.raises(ollama.ResponseError, match='lacks the scope "infer"') as caught:
        client.chat("peer", MESSAGES)
    assert caught.value.status_code == 403
    client._client.close()
