from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from corral.cli.tune.chart import chart
from corral.cli.tune.texts import data_text, event_text
from tests.helpers import tuning_server
from tests.helpers.scripted_server import Reply
from tests.helpers.server import serving, wait_until

REPORT = {
    "files": [{"path": "/j/data/0-examples.jsonl", "format": "messages", "rows": 61, "bytes": 9000}],
    "rows": 61,
    "used": 59,
    "train_rows": 56,
    "held_out_rows": 3,
    "dropped": [
        {"reason": "no assistant message", "rows": 2, "places": ["/j/data/0-examples.jsonl:4", "x:9"]}
    ],
    "duplicates": 1,
    "lengths": {"min": 10, "median": 20, "p95": 40, "max": 50},
    "over_long": 3,
    "over_long_share": 0.05,
    "max_length": 48,
    "tokens": 1200,
    "trained_tokens": 300,
    "trained_share": 0.25,
    "template": "native",
    "samples": [{"place": "/j/data/0-examples.jsonl:1", "spans": [["<user>hi\n", False], ["hello", True]]}],
    "notes": ["3 rows were cut"],
}
PLAN = {
    "event": "plan",
    "t": 2.0,
    "device": "cpu",
    "steps": 12,
    "memory_bytes": 500_000_000,
    "duration_s": 90.0,
    "options": {"rank": 16, "learning_rate": 0.0002},
}
FILES = [{"role": "data", "id": "file-1", "name": "examples.jsonl", "bytes": 9000}]
JOB = {
    "id": "tune-0a1b2c3d",
    "state": "queued",
    "model": "pocket:latest",
    "name": "me/helper:latest",
    "preset": "balanced",
    "files": FILES,
    "created_at": "2026-11-26T20:00:00Z",
}
GATE = {
    "better": True,
    "reason": "the held-out loss fell",
    "loss_before": 2.0,
    "loss_after": 1.25,
    "passed_before": 0,
    "passed_after": 9,
    "prompts": 10,
}
DONE = JOB | {"state": "succeeded", "published": "me/helper:latest", "gate": GATE}
DRAFT = JOB | {"state": "draft", "reason": "the held-out loss rose"}
FAILED = JOB | {
    "state": "failed",
    "error": {"kind": "InvalidInput", "message": "no row is usable", "hint": "see the reasons"},
    "data": REPORT,
}
ID = JOB["id"]


def step(number):
    rest = {"steps": 12, "epoch": 1.0, "loss": 2.0 / number, "learning_rate": 1e-4, "tokens_per_s": 50.0}
    return {"event": "step", "t": float(number), "position": number, "step": number, **rest}


def state(job):
    return {"event": "state", "state": job["state"], "job": job}


@pytest.fixture
def examples(tmp_path):
    path = tmp_path / "examples.jsonl"
    path.write_text('{"messages": []}\n')
    return path


@pytest.fixture
def tuning(server, examples):
    """A server that has the base, and on which a job runs to its end: see `outcome`."""
    server.on("POST", "/api/show", Reply({"capabilities": ["completion"]}))
    server.on("POST", "/v1/files", Reply({"id": "file-1"}))
    server.on("DELETE", "/v1/files/file-1", Reply())
    server.on("POST", "/api/tune", Reply(JOB, 201))

    def outcome(job, *events):
        records = [state(JOB | {"state": "running"}), *events, state(job)]
        server.on("GET", f"/api/tune/{ID}/events?from=0&follow=1", Reply(records))
        server.on("GET", f"/api/tune/{ID}", Reply(job))
        server.on("DELETE", f"/api/tune/{ID}", Reply())
        server.on("GET", "/api/tune", Reply({"jobs": [job]}))

    server.outcome = outcome
    return server


def asked(server, method, path):
    return [request.body for request in server.asked if (request.method, request.path) == (method, path)]


def test_examples_are_sent_and_the_job_is_watched_to_its_end(tuning, corral):
    tuning.outcome(DONE, {"event": "data", "t": 1.0, "report": REPORT}, PLAN, step(1))
    flags = ("--name", "me/helper", "--epochs", "2.5", "--rank", "8", "--gradient-checkpointing=false")
    ran = corral("tune", "pocket", "--data", "examples.jsonl", *flags)
    assert ran.status == 0, ran.err
    (form,) = asked(tuning, "POST", "/v1/files")
    assert b'name="purpose"\r\n\r\nfine-tune\r\n' in form
    assert b'filename="examples.jsonl"\r\n\r\n{"messages": []}\n\r\n' in form
    assert asked(tuning, "POST", "/api/tune") == [
        {
            "model": "pocket",
            "name": "me/helper",
            "files": ["file-1"],
            "hyperparameters": {"epochs": 2.5, "rank": 8, "gradient_checkpointing": False},
        }
    ]
    # The job keeps what it needs of it.
    assert len(asked(tuning, "DELETE", "/v1/files/file-1")) == 1
    assert "data: 59 of 61 rows are used" in ran.err
    assert "plan: 12 steps on cpu, about 1m30s" in ran.err
    assert "step 1/12" in ran.err
    assert ran.out == (
        "Held-out loss 2.000 → 1.250\n"
        "Prompts answered as they should 0 → 9 of 10\n"
        "Created 'me/helper:latest': corral run me/helper:latest\n"
    )


def test_files_that_a_shell_puts_behind_the_flag_are_examples_too(tuning, corral, tmp_path):
    (tmp_path / "more.jsonl").write_text("{}\n")
    tuning.on("POST", "/v1/files", Reply({"id": "file-1"}), Reply({"id": "file-2"}))
    corral("tune", "pocket", "--data", "examples.jsonl", "more.jsonl", "--detach")
    assert asked(tuning, "POST", "/api/tune")[0]["files"] == ["file-1", "file-2"]


def test_a_draft_says_how_to_name_it_and_is_no_success(tuning, corral):
    tuning.outcome(DRAFT)
    ran = corral("tune", "pocket", "--data", "examples.jsonl")
    assert ran.status == 1
    assert "Not named 'me/helper:latest': the held-out loss rose" in ran.out
    assert f"corral tune publish {ID}" in ran.out


def test_bad_data_is_reported_and_its_job_is_not_kept(tuning, corral):
    tuning.outcome(FAILED)
    ran = corral("tune", "pocket", "--data", "examples.jsonl")
    assert ran.status == 1
    assert "no assistant message" in ran.out
    assert "0-examples.jsonl:4, x:9" in ran.out
    assert "Error: no row is usable\nhint: see the reasons" in ran.err
    assert len(asked(tuning, "DELETE", f"/api/tune/{ID}")) == 1


def test_watching_a_job_that_failed_does_not_remove_it(tuning, corral):
    tuning.outcome(FAILED)
    ran = corral("tune", "logs", "-f", ID)
    assert ran.status == 1
    assert "Error: no row is usable" in ran.err
    assert asked(tuning, "DELETE", f"/api/tune/{ID}") == []


def test_a_dry_run_shows_data_and_plan_and_makes_no_job(tuning, corral):
    records = [{"event": "data", "t": 1.0, "report": REPORT}, PLAN]
    tuning.on("POST", "/api/tune/plan", Reply(records))
    ran = corral("tune", "pocket", "--data", "examples.jsonl", "--dry-run")
    assert ran.status == 0, ran.err
    for words in ("59 of 61", "56, 3", "⟦hello⟧", "12", "500 MB", "about 1m30s", "learning rate"):
        assert words in ran.out
    assert asked(tuning, "POST", "/api/tune") == []
    assert len(asked(tuning, "DELETE", "/v1/files/file-1")) == 1


def test_a_dry_run_on_bad_data_fails_with_the_report(tuning, corral):
    failed = {"event": "failed", "t": 1.0, **FAILED["error"]}
    tuning.on("POST", "/api/tune/plan", Reply([{"event": "data", "t": 1.0, "report": REPORT}, failed]))
    ran = corral("tune", "pocket", "--data", "examples.jsonl", "--dry-run")
    assert ran.status == 1
    assert "no assistant message" in ran.out
    assert "no row is usable" in ran.err


def test_a_dry_run_that_is_refused_says_why_and_what_to_do(tuning, corral):
    tuning.on("POST", "/api/tune/plan", Reply({"error": "no torch", "hint": "install it"}, 400))
    ran = corral("tune", "pocket", "--data", "examples.jsonl", "--dry-run")
    assert (ran.status, ran.err.splitlines()[-2:]) == (1, ["Error: no torch", "hint: install it"])


def test_detached_prints_the_id_alone(tuning, corral):
    ran = corral("tune", "pocket", "--data", "examples.jsonl", "--detach")
    assert (ran.status, ran.out) == (0, f"{ID}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pocket",), "no examples: name a file with --data"),
        (("pocket", "--data", "none.jsonl"), "there is no file none.jsonl"),
        (("pocket", "other"), "no examples: name a file with --data"),
        (("pocket", "--data", "examples.jsonl", "more.jsonl"), "there is no file more.jsonl"),
        (("show",), "usage: corral tune show JOB"),
        (("ls", "x"), "usage: corral tune ls"),
        (("pocket", "--epochs", "many"), 'parsing "many": invalid syntax'),
        (("folder", "--data", "examples.jsonl"), "folder holds no model"),
        (("pocket", "--data", "empty.jsonl"), "empty.jsonl is empty"),
        (
            ("pocket", "--data", "examples.jsonl", "--preset", "fast"),
            "--preset is one of quick, balanced, thorough, not 'fast'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(tuning, corral, tmp_path, words, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.jsonl").touch()
    ran = corral("tune", *words)
    assert ran.status == 1
    assert message in ran.err
    assert tuning.asked == []


@pytest.mark.slow
def test_ctrl_c_leaves_the_job_at_work_and_says_how_to_come_back(tmp_path):
    data = tmp_path / "examples.jsonl"
    data.write_text(json.dumps([PLAN, step(1) | {"grad_norm": 1.0}, {"wait": 50}]))
    with serving(tmp_path, command=(sys.executable, tuning_server.__file__)) as server:
        server.post("/api/pull", {"model": "pocket", "stream": False})
        words = ("tune", "pocket", "--data", str(data), "--name", "me/helper")
        command = [sys.executable, "-m", "corral.cli", *words]
        env = {**os.environ, **server.env}
        process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: "progress" in job_of(server))
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
        job = job_of(server)
        assert (process.returncode, job["state"]) == (130, "running")
        assert said.splitlines()[-2:] == [
            f"The job goes on in the server. To watch it again: corral tune logs -f {job['id']}",
            f"To stop it, with a checkpoint: corral tune stop {job['id']}",
        ]


def job_of(server):
    jobs = json.loads(server.request("GET", "/api/tune")[1])["jobs"]
    return jobs[0] if jobs else {}


def test_a_base_that_is_not_there_is_pulled_first(tuning, corral):
    missing = Reply({"error": "model 'm' not found"}, 404)
    tuning.on("POST", "/api/show", missing, Reply({"capabilities": []}))
    tuning.on("POST", "/api/pull", Reply([{"status": "success"}]))
    assert corral("tune", "m", "--data", "examples.jsonl", "--detach").status == 0
    assert asked(tuning, "POST", "/api/pull") == [{"name": "m", "insecure": False}]


def test_a_folder_is_not_imported_over_a_model_of_its_name(tuning, corral, tmp_path):
    (tmp_path / "Base One").mkdir()
    (tmp_path / "Base One" / "model.safetensors").write_bytes(b"x")
    ran = corral("tune", "./Base One", "--data", "examples.jsonl")
    assert ran.status == 1
    assert "a model 'base-one' is in the store already" in ran.err
    assert "corral tune base-one" in ran.err


def test_jobs_are_listed_with_how_far_they_are(tuning, corral):
    progress = {"step": 3, "steps": 12}
    tuning.outcome(DONE | {"progress": progress, "held_out_loss": {"before": 2.0, "now": 1.5}})
    ran = corral("tune", "ls")
    header, line = ran.out.splitlines()
    assert header.split()[:2] == ["ID", "STATE"]
    assert line.split()[:8] == [
        ID,
        "succeeded",
        "pocket:latest",
        "me/helper:latest",
        "3/12",
        "2.000",
        "→",
        "1.500",
    ]


@pytest.mark.parametrize("word", [ID, "tune-0a", "0a1b", "me/helper"])
def test_a_job_is_found_by_its_id_its_beginning_or_its_model(tuning, corral, word):
    tuning.outcome(DONE | {"data": REPORT, "plan": PLAN})
    ran = corral("tune", "show", word)
    assert ran.status == 0, ran.err
    assert "59 of 61" in ran.out
    assert "Created 'me/helper:latest'" in ran.out


def test_an_unknown_job_is_an_error_that_says_where_to_look(tuning, corral):
    tuning.outcome(DONE)
    ran = corral("tune", "stop", "nobody")
    assert ran.status == 1
    assert ran.err == "Error: no fine-tuning job 'nobody'\nhint: the jobs there are: corral tune ls\n"


def test_actions_ask_the_server(tuning, corral):
    tuning.outcome(JOB | {"state": "stopped", "reason": "stopped as asked"})
    for action in ("stop", "resume", "publish"):
        reply = JOB | {"state": "stopped", "published": "x:latest"}
        tuning.on("POST", f"/api/tune/{ID}/{action}", Reply(reply))
    assert corral("tune", "stop", "0a").out == f"stopped '{ID}'\n"
    assert corral("tune", "resume", "0a", "-d").out == f"{ID}\n"
    assert corral("tune", "publish", "0a", "--name", "x").out == "created 'x:latest'\n"
    assert asked(tuning, "POST", f"/api/tune/{ID}/publish") == [{"name": "x"}]
    assert corral("tune", "rm", "0a").out == f"deleted '{ID}'\n"


def test_the_report_is_written_to_the_file_that_is_named(tuning, corral, tmp_path):
    tuning.outcome(DONE)
    tuning.on("GET", f"/api/tune/{ID}/report", Reply(b"<html>curves</html>"))
    assert corral("tune", "show", "0a", "--report", "r.html").status == 0
    assert (tmp_path / "r.html").read_text() == "<html>curves</html>"


def test_the_log_is_one_line_an_event(tuning, corral):
    tuning.outcome(DONE)
    records = [state(DONE), PLAN, step(2)]
    tuning.on("GET", f"/api/tune/{ID}/events?from=0&follow=0", Reply(records))
    lines = corral("tune", "logs", "0a").out.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "plan: 12 steps on cpu, about 1m30s",
        "step 2/12: loss 1.0000, rate 1.00e-04, 50 tokens/s",
    ]
    json_lines = corral("tune", "logs", "0a", "--json").out.splitlines()
    assert [json.loads(line)["event"] for line in json_lines] == ["state", "plan", "step"]


def test_a_connection_that_breaks_is_taken_up_where_it_was(tuning, corral, monkeypatch):
    monkeypatch.setattr("corral.cli.tune.following._PAUSE_S", 0)
    tuning.outcome(DONE)
    broken = {"Content-Length": "9999"}
    first = Reply([state(JOB), step(1), step(2)], headers=broken)
    tuning.on("GET", f"/api/tune/{ID}/events?from=0&follow=1", first)
    tuning.on("GET", f"/api/tune/{ID}/events?from=2&follow=1", Reply([step(3), state(DONE)]))
    ran = corral("tune", "pocket", "--data", "examples.jsonl", "--json")
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert [record["step"] for record in told if record["event"] == "step"] == [1, 2, 3]


def test_a_hostile_row_does_not_steer_the_terminal():
    sample = {"place": "f:1", "spans": [["\x1b[2Jhi", True]]}
    assert "\x1b" not in data_text(REPORT | {"samples": [sample]})
    assert "\x1b" not in event_text({"event": "note", "t": 0.0, "text": "\x1b[2Jhi"})


def test_a_curve_falls_from_the_top_left_to_the_bottom_right():
    lines = chart([(0, 4.0), (10, 0.0)], [], columns=14, rows=3, last_x=10)
    assert lines == [" 4.00│⠑⠢⡀", "     │⠀⠀⠈⠑⢄⡀", " 0.00│⠀⠀⠀⠀⠀⠈⠢⢄"]


def test_marks_stand_at_their_steps():
    lines = chart([], [(0, 2.0), (10, 1.0)], columns=20, rows=4, last_x=10)
    assert lines[0].endswith("│o")
    assert lines[-1].endswith("o")
    assert chart([], [], columns=20, rows=4, last_x=10) == []
    assert chart([(0, float("nan"))], [], columns=20, rows=4, last_x=10) == []


def test_show_tells_how_a_model_was_tuned(server, corral):
    card = {
        "base": {"name": "pocket:latest", "digest": "sha256:" + "ab" * 32},
        "data": {"digest": "sha256:" + "cd" * 32, "rows": 61, "used": 59},
        "gate": GATE,
        "created_at": 0,
    }
    server.on("POST", "/api/show", Reply({"details": {}, "tuned": card}))
    shown = corral("show", "m").out
    section = [" ".join(line.split()) for line in shown.partition("  Tuned\n")[2].splitlines()]
    assert section[:6] == [
        "base pocket:latest",
        "base digest sha256:abababababab",
        "data digest sha256:cdcdcdcdcdcd",
        "rows 59 of 61",
        "held-out loss 2.000 → 1.250",
        "prompts passed 0 → 9 of 10",
    ]


@pytest.mark.parametrize("card", [{}, {"base": 3, "gate": {"loss_before": "x"}}, [], "x"])
def test_a_card_that_is_none_of_ours_does_no_harm(server, corral, card):
    server.on("POST", "/api/show", Reply({"details": {}, "tuned": card}))
    assert "Tuned" not in corral("show", "m").out
