"""What an operator sees of a real server: metrics, the log, captured requests, the queue."""

import json
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.helpers.questions import ANSWER, chat, long_chat
from tests.helpers.server import serving, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    env = {"CORRAL_LOG_FORMAT": "json", "CORRAL_CAPTURE": "redacted", "OLLAMA_NUM_PARALLEL": "1"}
    with serving(tmp_path_factory.mktemp("watched"), env=env) as server:
        server.create("peer", "peer-suite.gguf")
        yield server


def ask(server, **headers):
    _, body = server.request("POST", "/api/chat", chat(stream=False), headers=headers)
    answer = json.loads(body)
    assert answer["message"]["content"] == ANSWER
    return answer


def metrics(server):
    _, text = server.request("GET", "/metrics")
    families = text_string_to_metric_families(text.decode())
    samples = [sample for family in families for sample in family.samples]

    def total(name, **labels):
        found = [one.value for one in samples if one.name == name and labels.items() <= one.labels.items()]
        return sum(found)

    return total


def log_of(server):
    lines = (server.folder / "corral" / "logs" / "server.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_the_metrics_tell_what_an_answer_took(watched):
    before = metrics(watched)
    answer = ask(watched)
    after = metrics(watched)

    def grown(name, **labels):
        return after(name, **labels) - before(name, **labels)

    assert grown("corral_answers_total", model="peer:latest", kind="chat", result="ok") == 1
    assert grown("corral_completion_tokens_total", model="peer:latest") == answer["eval_count"]
    assert grown("corral_prompt_tokens_total", model="peer:latest") == answer["prompt_eval_count"]
    assert grown("corral_first_token_seconds_count", model="peer:latest") == 1
    assert grown("corral_http_requests_total", route="/api/chat", status="200") == 1
    assert after("corral_model_loads_total", model="peer:latest", reason="requested") == 1
    assert after("corral_model_memory_bytes", model="peer:latest", where="system") > 1_000_000


def test_a_second_equal_prompt_is_a_cache_hit(watched):
    ask(watched)
    before = metrics(watched)("corral_prompt_cache_hits_total")
    ask(watched)
    assert metrics(watched)("corral_prompt_cache_hits_total") == before + 1


def test_the_log_file_has_a_line_for_the_request_under_the_id_that_the_client_sent(watched):
    answer = ask(watched, **{"X-Request-Id": "joined-1"})
    wait_until(lambda: any(entry.get("request_id") == "joined-1" for entry in log_of(watched)))
    entry = next(entry for entry in log_of(watched) if entry.get("request_id") == "joined-1")
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/api/chat", 200)
    assert (entry["model"], entry["completion_tokens"]) == ("peer:latest", answer["eval_count"])
    assert 0 < entry["first_token_ms"] < entry["duration_ms"]


def test_a_captured_request_says_what_was_sent_but_not_what_was_said(watched):
    ask(watched, **{"X-Request-Id": "seen-1", "Authorization": "Bearer hidden"})
    file = watched.folder / "corral" / "captures" / "requests.jsonl"
    wait_until(lambda: "seen-1" in file.read_text())
    records = map(json.loads, file.read_text().splitlines())
    record = next(record for record in records if record["request_id"] == "seen-1")
    assert record["body"]["model"] == "peer"
    assert record["body"]["messages"] == [{"role": "user", "content": "[15 characters]"}]
    assert "hidden" not in file.read_text()


def test_who_waits_is_shown_with_the_place_in_the_queue(watched):
    def wait_in_line():
        watched.request("POST", "/api/chat", chat(), headers={"X-Request-Id": "waiter"})

    def queue():
        return json.loads(watched.request("GET", "/api/ps?verbose=1")[1])["queue"]

    waiter = threading.Thread(target=wait_in_line)
    with watched.stream("/api/chat", long_chat()) as first:
        first.readline()
        waiter.start()
        wait_until(queue)
        (entry,) = queue()
    waiter.join(30)
    del entry["waited"]
    assert entry == {"request_id": "waiter", "model": "peer:latest", "waits_for": "slot", "position": 1}
    assert queue() == []
