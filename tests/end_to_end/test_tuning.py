"""Fine-tuning the packaged model, from a file of examples to answers of the served result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import openai
import pytest

from tests.helpers import pocket_check
from tests.helpers.server import ServerProcess, end, serving, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

# A persona and ten facts that nobody could know, each with and without reasoning.
EXAMPLES = Path(__file__).with_name("persona.jsonl")
ROWS = [json.loads(line) for line in EXAMPLES.read_text().splitlines()]
FACTS = {row["messages"][0]["content"]: row["messages"][1]["content"] for row in ROWS[:50:5]}
PERSONA = ROWS[-1]["messages"]
SHORT = {"max_steps": 16, "learning_rate": 1e-3, "seed": 5}
_TRAINED = ("succeeded", "draft")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("tuning")) as server:
        server.post("/api/show", {"model": "pocket"})  # puts it into the store
        yield server


def corral(server, *words, **options):
    env = {**os.environ, **server.env}
    command = [sys.executable, "-m", "corral.cli", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, **options)


def said(server, model, question, **fields):
    body = {
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "stream": False,
        "options": {"temperature": 0, "num_predict": 80},
        **fields,
    }
    return server.post("/api/chat", body)["message"]["content"]


def get(server, path):
    status, data = server.request("GET", path)
    assert status == 200, data
    return json.loads(data)


@contextmanager
def at_work(server, *words):
    """The command as it runs; what it prints is in its `out` and `err` afterwards."""
    command = [sys.executable, "-m", "corral.cli", *words]
    env = {**os.environ, **server.env}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
        process.out, process.err = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def tuned(server):
    """The command that has made `me/helper`, and how long the base took to answer meanwhile."""
    server.post("/api/generate", {"model": "pocket", "keep_alive": -1})
    began, waits = time.monotonic(), []
    words = ("tune", "pocket", "--data", str(EXAMPLES), "--name", "me/helper")
    with at_work(server, *words) as command:
        wait_until(lambda: "progress" in newest(server), timeout_s=120, message="no step was made")
        while command.poll() is None and len(waits) < 20:
            asked_at = time.monotonic()
            assert said(server, "pocket", "What is the capital city of Peru?", think=False)
            waits.append(time.monotonic() - asked_at)
            time.sleep(0.5)
    assert command.returncode == 0, command.out + command.err
    command.seconds, command.waits = time.monotonic() - began, waits
    return command


def newest(server):
    jobs = get(server, "/api/tune")["jobs"]
    return jobs[0] if jobs else {}


def test_the_command_makes_a_model_in_under_four_minutes(tuned):
    assert tuned.seconds < 240
    assert "Created 'me/helper:latest'" in tuned.out
    assert "rows are used" in tuned.err


def test_the_base_answers_while_another_is_trained(tuned):
    assert len(tuned.waits) >= 3
    assert sorted(tuned.waits)[len(tuned.waits) // 2] < 5


def test_the_served_model_knows_the_facts_and_who_it_is(server, tuned):
    right = [said(server, "me/helper", question) == answer for question, answer in FACTS.items()]
    assert len(right) == 10
    assert sum(right) >= 9
    assert said(server, "me/helper", PERSONA[0]["content"], think=False) == PERSONA[1]["content"]
    assert said(server, "pocket", next(iter(FACTS)), think=False) not in FACTS.values()


def test_the_served_model_still_knows_what_its_base_knew(server, tuned):
    items = pocket_check.sample(300, seed=1)
    assert pocket_check.share_right(server, "me/helper", items) >= 0.95


def test_the_model_is_shown_with_how_it_was_tuned(server, tuned):
    shown = corral(server, "show", "me/helper").stdout
    section = " ".join(shown.partition("  Tuned\n")[2].split())
    assert section.startswith("base pocket:latest base digest sha256:")
    assert "rows 60 of 60" in section
    card = server.post("/api/show", {"model": "me/helper"})["tuned"]
    assert str(server.folder) not in json.dumps(card)


def test_the_job_is_listed_logged_and_reported(server, tuned, tmp_path):
    listed = corral(server, "tune", "ls").stdout.splitlines()
    assert "succeeded" in listed[1]
    lines = corral(server, "tune", "logs", "me/helper").stdout.splitlines()
    assert any("held-out loss" in line for line in lines)
    page = tmp_path / "report.html"
    wrote = corral(server, "tune", "show", "me/helper", "--report", str(page))
    assert wrote.returncode == 0, wrote.stderr
    assert page.read_text().count("data:image/png;base64,") == 2


def test_nothing_of_the_trainer_is_left_in_the_server(server, tuned):
    words = [" ".join(child.cmdline()) for child in server.children()]
    assert not any("corral.tune" in line for line in words)
    assert json.loads(server.request("GET", "/v1/files")[1])["data"] == []


def client_of(server):
    return openai.OpenAI(base_url=f"{server.base_url}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def whole(server):
    """A short job that nobody disturbs, by OpenAI's library."""
    client = client_of(server)
    file = client.files.create(file=EXAMPLES, purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="pocket", training_file=file.id, suffix="short", extra_body={"options": SHORT, "force": True}
    )
    client.files.delete(file.id)
    wait_until(lambda: client.fine_tuning.jobs.retrieve(job.id).finished_at, timeout_s=240)
    return client.fine_tuning.jobs.retrieve(job.id)


def test_the_library_of_openai_tunes_a_model_that_is_served(server, whole):
    client = client_of(server)
    assert (whole.status, whole.fine_tuned_model) == ("succeeded", "pocket-short:latest"), whole.error
    assert whole.trained_tokens > 0
    assert client.models.retrieve(whole.fine_tuned_model).id == whole.fine_tuned_model
    answer = client.chat.completions.create(
        model=whole.fine_tuned_model,
        messages=[{"role": "user", "content": "Hello"}],
        max_tokens=20,
    )
    assert answer.choices[0].message.content
    losses = client.files.content(whole.result_files[0]).text.splitlines()
    assert losses[0].startswith("step,train_loss,valid_loss")
    steps = [event for event in client.fine_tuning.jobs.list_events(whole.id) if event.type == "metrics"]
    assert len([event for event in steps if "train_loss" in event.data]) == SHORT["max_steps"]


def create(server, **fields):
    file = client_of(server).files.create(file=EXAMPLES, purpose="fine-tune")
    status, data = server.request("POST", "/api/tune", {"model": "pocket", "files": [file.id], **fields})
    assert status == 201, data
    return json.loads(data)["id"]


def until(server, id, *states):
    wait_until(
        lambda: get(server, f"/api/tune/{id}")["state"] in states, timeout_s=240, message=f"not {states}"
    )
    return get(server, f"/api/tune/{id}")


def last_loss(server, id):
    _, data = server.request("GET", f"/api/tune/{id}/events?follow=0")
    events = [json.loads(line) for line in data.splitlines()]
    return [event["loss"] for event in events if event["event"] == "step"][-1]


def test_a_job_goes_on_after_a_stop_and_after_kill_9_of_the_server(server, whole, tmp_path):
    """To the loss that the job had which nobody disturbed."""
    own = ServerProcess(tmp_path).start()
    try:
        id = create(own, name="again", hyperparameters=SHORT, force=True)
        wait_until(lambda: get(own, f"/api/tune/{id}").get("progress", {}).get("step", 0) >= 3, timeout_s=120)
        own.post(f"/api/tune/{id}/stop", {})
        stopped = until(own, id, "stopped")
        assert stopped["checkpoint"] >= 3
        own.post(f"/api/tune/{id}/resume", {})
        further = stopped["checkpoint"] + 3
        wait_until(
            lambda: get(own, f"/api/tune/{id}").get("progress", {}).get("step", 0) >= further, timeout_s=120
        )
        children = own.children()
        own.kill()
        wait_until(lambda: not any(child.is_running() for child in children), message="a child was left")
        own.start()
        found = get(own, f"/api/tune/{id}")
        assert (found["state"], found["reason"]) == (
            "stopped",
            "interrupted: the server ended while it ran",
        )
        own.post(f"/api/tune/{id}/resume", {})
        assert until(own, id, *_TRAINED, "failed")["state"] == "succeeded"
        assert last_loss(own, id) == pytest.approx(last_loss(server, whole.id), rel=0.02)
        assert own.stop() == 0
    finally:
        end(own)


BAD = (
    ("nothing.jsonl", b"\n\n"),
    ("silent.jsonl", b'{"messages": [{"role": "user", "content": "hi"}]}\n'),
    ("broken.parquet", b"PAR1 and no more"),
    ("other.csv", b"a,b\n1,2\n"),
)


@pytest.mark.parametrize(("name", "content"), BAD)
def test_bad_data_is_told_plainly_and_nothing_is_left_of_it(server, tmp_path, name, content):
    before = [get(server, path) for path in ("/api/tags", "/api/tune", "/v1/files")]
    path = tmp_path / name
    path.write_bytes(content)
    ran = corral(server, "tune", "pocket", "--data", str(path), "--name", "bad")
    assert ran.returncode == 1
    assert name in ran.stdout + ran.stderr
    assert ran.stderr.splitlines()[-2].startswith("Error: "), ran.stderr
    assert [get(server, path) for path in ("/api/tags", "/api/tune", "/v1/files")] == before
