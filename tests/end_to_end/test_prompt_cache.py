"""Prompts that are not read again, with real servers and a real engine: restarts, kills, damage, keys."""

import signal
import subprocess
import sys

import pytest

from tests.helpers.lora import build_lora
from tests.helpers.server import wait_until

pytestmark = pytest.mark.slow

# The test model is quick, so that little is worth a file: these servers save what takes a moment, at once.
EAGER = (
    sys.executable,
    "-c",
    "import corral.cache.seats as seats\n"
    "seats.SAVE_S, seats.IDLE_SAVE_S, seats.IDLE_S = 0.02, 0.02, float('{idle_s}')\n"
    "from corral.server.run import run\n"
    "from corral.settings import read_settings\n"
    "run(read_settings())",
)
GREEDY = {"temperature": 0, "num_predict": 8, "num_ctx": 2048, "num_thread": 1}
PROMPT = "".join(f"Country {number} has the capital town {number * 7 % 101}. " for number in range(75))


def begin(start, *, idle_s=3600.0, **env):
    command = (*EAGER[:2], EAGER[2].format(idle_s=idle_s))
    server = start(command=command, env={"CORRAL_NUM_PARALLEL": "2", **env})
    if "CORRAL_OPEN" in env:
        server.headers = key(server, "first", "--scope", "infer,read,manage")
    server.create("peer", "peer-suite.gguf")
    return server


def key(server, name, *flags):
    """The headers of requests with a new API key."""
    command = [sys.executable, "-m", "corral.cli", "keys", "create", name, *flags]
    made = subprocess.run(command, env=server.env, capture_output=True, text=True, timeout=60, check=True)
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


def ask(server, prompt=PROMPT, **fields):
    body = {"model": "peer", "prompt": prompt, "raw": True, "stream": False, "options": GREEDY, **fields}
    answer = server.post("/api/generate", body)
    return answer["response"], answer.get("prompt_cached_count", 0), answer["prompt_eval_count"]


def again(server):
    """The same server, started anew."""
    return server.start()


def files(server):
    return list((server.folder / "corral" / "cache" / "prompts").iterdir())


def metric(server, name):
    lines = server.request("GET", "/metrics")[1].decode().splitlines()
    return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(name)))


def test_a_prompt_is_not_read_again_after_a_restart_and_the_answer_is_the_same(start):
    server = begin(start)
    text, cached, total = ask(server)
    assert (cached, total > 1000) == (0, True)
    assert server.stop() == 0
    again(server)
    assert ask(server) == (text, total - 1, total)
    assert metric(server, 'corral_saved_prompt_events_total{event="restored"}') == 1
    assert metric(server, "corral_saved_prompt_bytes") == sum(file.stat().st_size for file in files(server))
    assert server.post("/api/prune?prompts=1", {})["freed"] > 1_000_000
    assert files(server) == []


def test_a_prompt_saved_in_idle_time_survives_a_kill_and_nothing_half_written_is_left(start):
    server = begin(start, idle_s=0.1)
    text, _, total = ask(server)
    wait_until(lambda: metric(server, "corral_saved_prompts ") == 1)
    ask(server, "Something else entirely. " * 60)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    again(server)
    assert ask(server) == (text, total - 1, total)
    assert {file.suffix for file in files(server)} == {".state"}


def test_a_damaged_file_is_removed_and_the_answer_made_without_it(start):
    server = begin(start)
    text, _, total = ask(server)
    server.stop()
    for damaged in (lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: data[: len(data) // 2]):
        (file,) = files(server)
        file.write_bytes(damaged(file.read_bytes()))
        again(server)
        assert ask(server) == (text, 0, total)
        assert "a saved prompt is removed: its file has" in server.log.read_text()
        assert not file.exists()
        server.stop()


def test_another_type_of_cache_does_not_use_it(start):
    server = begin(start)
    ask(server)
    server.stop()
    server.env["CORRAL_KV_CACHE_TYPE"] = "q8_0"
    again(server)
    assert ask(server)[1] == 0


def test_a_model_that_made_room_for_another_one_comes_back_with_its_prompt(start):
    server = begin(start, CORRAL_MAX_LOADED_MODELS="1")
    server.create("twin", "peer-twin.gguf")
    _, _, total = ask(server)
    ask(server, "Hello", model="twin")
    assert server.loaded() == ["twin:latest"]
    assert ask(server)[1] == total - 1


def test_every_dialect_tells_what_was_not_read_again(start):
    server = begin(start)
    messages = [{"role": "user", "content": PROMPT}]
    chat = {"model": "peer", "messages": messages, "stream": False}
    limit = {"max_tokens": 4, "temperature": 0}
    native = server.post("/api/chat", chat | {"options": GREEDY})
    assert "prompt_cached_count" not in native
    cached = native["prompt_eval_count"] - 1
    assert server.post("/api/chat", chat | {"options": GREEDY})["prompt_cached_count"] == cached
    usage = server.post("/v1/chat/completions", chat | limit)["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": cached}
    usage = server.post("/v1/responses", {"model": "peer", "input": PROMPT, "max_output_tokens": 4})["usage"]
    assert usage["input_tokens_details"] == {"cached_tokens": cached}
    usage = server.post("/v1/messages", chat | limit)["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (1, cached)
    body = {"model": "peer", "prompt": PROMPT, **limit}
    server.post("/v1/completions", body)
    usage = server.post("/v1/completions", body)["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": usage["prompt_tokens"] - 1}


@pytest.mark.parametrize("shared", [False, True])
def test_a_key_never_uses_prompts_of_another_one_unless_that_is_allowed(start, shared):
    server = begin(start, CORRAL_OPEN="none", CORRAL_PROMPT_CACHE_SHARED="true" if shared else "false")
    ann, bob = server.headers, key(server, "bob")

    def uses_cache(headers):
        server.headers = headers
        return ask(server)[1] > 0

    assert [uses_cache(who) for who in (ann, bob, bob, ann)] == [False, shared, True, True]
    server.stop()
    assert len(files(server)) == (1 if shared else 2)
    again(server)
    assert [uses_cache(who) for who in (bob, ann)] == [True, True]
    assert uses_cache(key(server, "eve")) is shared


def test_a_prompt_read_with_adapters_is_not_read_again_with_them_after_a_restart(start, tmp_path):
    server = begin(start)
    adapters = {"a.gguf": server.upload(build_lora(tmp_path / "a.gguf", seed=1).read_bytes())}
    server.create("tuned", "peer-suite.gguf", adapters=adapters)
    strengths = [{"adapters": {"a": scale}} for scale in (0.5, 1)]

    def ask_with(more):
        return ask(server, model="tuned", options={**GREEDY, **more})

    before = [ask_with(more) for more in strengths]
    assert [cached for _, cached, _ in before] == [0, 0]
    assert server.stop() == 0
    again(server)
    assert [ask_with(more) for more in strengths] == [(text, total - 1, total) for text, _, total in before]


def test_what_one_key_wrote_does_not_show_in_guesses_for_another(start):
    server = begin(start, CORRAL_OPEN="none")
    ann, bob = server.headers, key(server, "bob")
    prompt = "def half(width):\n    return width / 2\n\nThe same again:\ndef half(width):\n"
    options = {**GREEDY, "num_predict": 100, "repeat_penalty": 1}

    def guesses(headers):
        server.headers = headers
        body = {"model": "pocket", "prompt": prompt, "raw": True, "stream": False, "options": options}
        return server.post("/api/generate", body).get("guessed_count", 0)

    assert guesses(ann) > 0
    assert [guesses(bob), guesses(ann)] == [0, 0]


def test_a_key_that_comes_later_does_not_use_what_the_engine_keeps_in_memory(start):
    server = begin(start, CORRAL_NUM_PARALLEL="1")
    other = PROMPT.replace("capital", "largest").replace("Country", "Region")
    assert [ask(server, prompt)[1] > 0 for prompt in (PROMPT, other, PROMPT, other)] == [
        False,
        False,
        True,
        True,
    ]
    assert files(server) == []
    server.headers = key(server, "ann")
    assert [ask(server, prompt)[1] for prompt in (PROMPT, other)] == [0, 0]


def test_models_that_are_deleted_take_their_prompts_with_them(start):
    server = begin(start)
    ask(server)
    server.stop()
    assert len(files(server)) == 1
    again(server)
    assert server.request("DELETE", "/api/delete", {"name": "peer"})[0] == 200
    assert files(server) == []


def test_nothing_is_written_where_that_is_turned_off(start):
    server = begin(start, CORRAL_NO_PROMPT_CACHE="1")
    ask(server)
    server.stop()
    assert not (server.folder / "corral" / "cache").exists()
