from __future__ import annotations

import json
import os

import psutil
import pytest

from corral.core import manifest as media
from corral.errors import StorageError
from corral.library import CreateRequest
from corral.tune.jobs import identity
from tests.helpers.gguf_files import build_gguf
from tests.helpers.lora import build_lora
from tests.helpers.scripted_tuner import DATA, FAILED, PLAN, step, trained

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
LONG = [DATA, PLAN, step(1), {"wait": 50}]


@pytest.fixture(autouse=True)
def base(shelf):
    """The model that is tuned; its prompts have a system message and a parameter."""

    async def make():
        request = CreateRequest(
            model="base", files=shelf.gguf(), system="S", parameters={"stop": ["x"]}, license="L"
        )
        async for _ in shelf.library.create(request):
            pass

    return make


@pytest.fixture
async def place(place, base):
    await base()
    return place


async def test_a_better_model_gets_its_name_on_the_base_as_it_was(place, adapter):
    base = await place.shelf.library.resolve("base")
    job = await place.ended(await place.create(trained(adapter)))
    assert (job["state"], job["published"]) == ("succeeded", "me/helper:latest")
    tuned = await place.shelf.library.resolve("me/helper")
    kinds = [layer.media_type for layer in tuned.manifest.layers]
    assert [kind for kind in kinds if kind not in (media.MEDIA_ADAPTER, media.MEDIA_CARD)] == [
        layer.media_type for layer in base.manifest.layers
    ]
    assert (tuned.weights, tuned.system, tuned.licenses) == (base.weights, base.system, base.licenses)
    assert dict(tuned.parameters) == dict(base.parameters)
    assert tuned.adapters[0].read_bytes() == adapter.read_bytes()
    assert tuned.adapter_names == ("helper",)
    assert (await place.shelf.library.show("me/helper")).tuned == {"base": "b"}


async def test_a_worse_model_is_a_draft_until_it_is_published(place, adapter):
    id = await place.create(trained(adapter, better=False))
    job = await place.ended(id)
    assert (job["state"], job["reason"], job["gate"]["better"]) == ("draft", "the held-out loss", False)
    assert place.shelf.names == ["base:latest"]
    published = (await place.post(f"{id}/publish", {"name": "other"})).json()
    assert (published["state"], published["published"]) == ("succeeded", "other:latest")
    assert place.shelf.names == ["base:latest", "other:latest"]


async def test_force_names_a_worse_model(place, adapter):
    job = await place.ended(await place.create(trained(adapter, better=False), force=True))
    assert (job["state"], job["published"]) == ("succeeded", "me/helper:latest")


async def test_the_child_is_told_which_engine_serves(place, adapter, tmp_path):
    place.program = tmp_path / "llama-server"
    await place.end()
    place.begin()
    job = await place.ended(await place.create(trained(adapter)))
    spec = json.loads((place.home / "tune" / job["id"] / "spec.json").read_text())
    assert (spec["llama_server"], spec["home"]) == (str(place.program), str(place.home))


async def test_files_keep_their_names_in_the_job(place, adapter):
    files = [await place.send(trained(adapter), name="same.jsonl") for _ in range(2)]
    answer = await place.client.post("/api/tune", json={"model": "base", "name": "a", "files": files})
    job = await place.ended(answer.json()["id"])
    spec = json.loads((place.home / "tune" / job["id"] / "spec.json").read_text())
    assert [path.rsplit("/", 1)[-1] for path in spec["data"]] == ["same.jsonl"] * 2
    assert len(set(spec["data"])) == 2


async def test_events_come_with_positions_from_which_to_go_on(place, adapter):
    id = await place.create(trained(adapter))
    followed = await place.events(id, "follow=1")
    told = [record for record in followed if record["event"] != "state"]
    assert [record["position"] for record in told] == list(range(1, len(told) + 1))
    assert [record["state"] for record in followed if record["event"] == "state"][-1] == "succeeded"
    assert followed[-1]["job"]["held_out_loss"] == {"before": 2.0, "now": 1.0}
    rest = await place.events(id, f"from={len(told) - 2}")
    assert [record["event"] for record in rest] == ["gate", "done", "state"]


async def test_a_job_that_fails_says_why_and_makes_nothing(place):
    job = await place.ended(await place.create([DATA, FAILED]))
    assert job["state"] == "failed"
    assert job["error"] == {
        "kind": "InvalidInput",
        "message": "no row is usable",
        "hint": "look at line 1",
    }
    assert job["data"] == DATA["report"]
    assert place.shelf.names == ["base:latest"]
    assert sorted(path.name for path in (place.home / "tune" / job["id"]).iterdir()) == [
        "events.jsonl",
        "log.txt",
        "spec.json",
    ]


async def test_a_full_disk_ends_a_job_for_who_watches_and_can_be_cleared(place, monkeypatch):
    change = place.jobs._ledger.change

    async def full(id, changed):
        job = await place.jobs._ledger.find(id)
        if changed(job).state == "failed":
            raise StorageError("database or disk is full")
        return await change(id, changed)

    monkeypatch.setattr(place.jobs._ledger, "change", full)
    id = await place.create([DATA, FAILED])
    assert (await place.events(id, "follow=1"))[-1]["state"] == "failed"
    assert (await place.ended(id))["error"]["message"] == "no row is usable"
    assert (await place.jobs._ledger.find(id)).state == "running"  # that is all there was room for
    assert (await place.client.delete(f"/api/tune/{id}")).status_code == 200
    assert (await place.client.get("/api/tune")).json() == {"jobs": []}


async def test_a_child_that_crashes_leaves_its_last_words(place):
    job = await place.ended(await place.create([DATA, {"stderr": "Segfault"}, {"exit": 3}]))
    assert job["error"]["message"] == "the trainer ended with status 3: Segfault"
    answer = await place.client.get(f"/api/tune/{job['id']}/log")
    assert answer.text == "Segfault\n"


async def test_a_stopped_job_goes_on_where_it_was(place, adapter):
    id = await place.create([*LONG, *trained(adapter)[2:]])
    await place.reached(id, event="step")
    assert (await place.post(f"{id}/stop")).json()["state"] == "stopping"
    job = await place.ended(id)
    assert (job["state"], job["reason"], job["checkpoint"]) == ("stopped", "stopped as asked", 1)
    assert (await place.post(f"{id}/resume")).json()["state"] in ("queued", "running")
    assert (await place.ended(id))["state"] == "succeeded"
    told = [record["event"] for record in await place.events(id)]
    assert told.index("checkpoint") < told.index("note")


async def test_one_job_runs_and_the_others_wait_in_order(place, adapter):
    first = await place.create([*LONG, *trained(adapter)[2:]])
    second, third = [await place.create(trained(adapter), name=name) for name in ("b", "c")]
    await place.reached(first, event="step")
    states = {job["id"]: job["state"] for job in (await place.client.get("/api/tune")).json()["jobs"]}
    assert states == {third: "queued", second: "queued", first: "running"}
    assert (await place.post(f"{second}/stop")).json()["state"] == "stopped"
    await place.post(f"{first}/stop")
    assert (await place.ended(third))["state"] == "succeeded"
    assert (await place.show(second))["state"] == "stopped"


async def test_a_job_that_is_deleted_as_it_begins_does_not_hold_up_the_next(place, adapter):
    first = await place.create(LONG, name="a")
    assert (await place.client.delete(f"/api/tune/{first}")).status_code == 200
    second = await place.create(LONG, name="b")
    stopped = await place.post(f"{second}/stop")
    assert stopped.json()["state"] in ("stopping", "stopped")
    third = await place.create(trained(adapter), name="c")
    assert (await place.ended(second))["state"] == "stopped"
    assert (await place.ended(third))["state"] == "succeeded"


async def test_a_deleted_job_is_gone_with_its_child_and_its_files(place):
    id = await place.create(LONG)
    await place.reached(id, event="step")
    pid = place.jobs._queue._running.child.pid
    assert (await place.client.delete(f"/api/tune/{id}")).status_code == 200
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert (await place.client.get(f"/api/tune/{id}")).status_code == 404
    assert list((place.home / "tune").iterdir()) == []


async def test_the_child_sees_none_of_the_secrets_of_the_server(place, monkeypatch):
    secrets = ("HF_TOKEN", "CORRAL_API_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY")
    for name in secrets:
        monkeypatch.setenv(name, "s3cret")
    id = await place.create(LONG)
    await place.reached(id, event="step")
    seen = psutil.Process(place.jobs._queue._running.child.pid).environ()
    assert "s3cret" not in seen.values()
    assert seen["HF_HUB_OFFLINE"] == "1"


async def test_a_server_that_ends_stops_its_job_with_a_checkpoint(place):
    id = await place.create(LONG)
    await place.reached(id, event="step")
    await place.end()
    place.begin()
    await place.jobs.recover()
    job = await place.show(id)
    assert (job["state"], job["reason"], job["checkpoint"]) == ("stopped", "the server was stopped", 1)


async def test_what_a_killed_server_left_is_found_by_the_next(place, adapter, monkeypatch):
    running = await place.create([*LONG, *trained(adapter)[2:]])
    waiting = await place.create(trained(adapter), name="waiting")
    await place.reached(running, event="step")
    # The end of the process is the end of its task and its child; no row is written any more.
    place.jobs._queue._task.cancel()
    place.jobs._queue._running.kill()
    await place.database.close()
    monkeypatch.setattr(identity, "is_alive", lambda server: False)
    monkeypatch.setattr("corral.tune.jobs.ledger.is_alive", lambda server: False)
    place.begin()
    await place.jobs.recover()
    job = await place.show(running)
    assert (job["state"], job["reason"]) == ("stopped", "interrupted: the server ended while it ran")
    assert job["progress"]["step"] == 1
    assert (await place.ended(waiting))["state"] == "succeeded"
    assert (await place.post(f"{running}/resume")).status_code == 200


async def test_the_jobs_of_another_server_of_this_home_are_left_alone(place):
    id = await place.create(LONG)
    await place.reached(id, event="step")
    first = place.jobs
    place.begin()
    await place.jobs.recover()
    assert (await place.show(id))["state"] == "running"
    await place.jobs.close()
    await first.close()


async def test_a_plan_is_told_and_nothing_is_kept(place):
    body = {"model": "base", "files": [await place.send([DATA, PLAN, step(1)])], "stream": False}
    answer = await place.client.post("/api/tune/plan", json=body)
    assert answer.status_code == 200
    assert answer.json()["data"] == DATA["report"]
    assert answer.json()["plan"]["steps"] == 2
    assert list((place.home / "tune").iterdir()) == []
    streamed = await place.client.post("/api/tune/plan", json=body | {"stream": True})
    assert [json.loads(line)["event"] for line in streamed.text.splitlines()] == ["data", "plan"]


async def test_a_plan_that_fails_has_the_status_of_its_reason(place):
    body = {"model": "base", "files": [await place.send([DATA, FAILED])], "stream": False}
    answer = await place.client.post("/api/tune/plan", json=body)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "no row is usable", "hint": "look at line 1"},
    )


REFUSED = (
    ({"model": ""}, 400, "model is required"),
    ({"model": "nobody"}, 404, "model 'nobody' not found"),
    ({"files": []}, 400, "no examples"),
    ({"files": ["file-none"]}, 404, "No such File object: file-none"),
    ({"name": "a b"}, 400, "invalid"),
    ({"quantize": "q4_K_M"}, 400, "ask for merge too"),
    ({"quantize": "q9", "merge": True}, 400, "unknown quantization type q9"),
    ({"preset": "fast"}, 400, "preset"),
    ({"hyperparameters": {"rnak": 4}}, 400, "rnak"),
    ({"hyperparameters": {"rank": 0}}, 400, "rank must be between"),
)


@pytest.mark.parametrize(("fields", "status", "words"), REFUSED)
async def test_what_cannot_be_done_is_refused_before_any_work(place, fields, status, words):
    body = {"model": "base", "name": "x", "files": [await place.send([])], **fields}
    for path in ("/api/tune", "/api/tune/plan"):
        answer = await place.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        assert words in answer.json()["error"]
    assert not (place.home / "tune").exists()


async def test_a_plan_that_is_refused_says_what_to_do_like_a_job(place):
    body = {"model": "base", "files": [await place.send([DATA])], "quantize": "q4_K_M"}
    answers = [await place.client.post(path, json=body) for path in ("/api/tune", "/api/tune/plan")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert "adapter" in answers[1].json()["hint"]


async def test_an_adapter_is_put_upon_those_that_the_base_has(place, adapter, tmp_path):
    await place.ended(await place.create(trained(adapter)))
    second = build_lora(tmp_path / "second.gguf", seed=2, width=64)
    job = await place.ended(await place.create(trained(second), model="me/helper", name="more"))
    assert job["state"] == "succeeded"
    model = await place.shelf.library.resolve("more")
    assert model.adapter_names == ("helper", "more")
    assert [path.read_bytes() for path in model.adapters] == [adapter.read_bytes(), second.read_bytes()]
    assert [layer.media_type for layer in model.manifest.layers].count(media.MEDIA_CARD) == 1


async def test_a_base_that_sets_the_strengths_of_its_adapters_is_refused(place, adapter):
    await place.ended(await place.create(trained(adapter)))
    request = CreateRequest(model="weak", source="me/helper", parameters={"adapters": ["helper=0.5"]})
    async for _ in place.shelf.library.create(request):
        pass
    body = {"model": "weak", "name": "x", "files": [await place.send([])]}
    answer = await place.client.post("/api/tune", json=body)
    assert answer.status_code == 400
    assert "how strongly its adapters apply" in answer.json()["error"]


async def test_a_merged_result_takes_the_place_of_weights_and_adapters(place, adapter, shelf, tmp_path):
    await place.ended(await place.create(trained(adapter)))
    merged = build_gguf(tmp_path / "merged.gguf", seed=9)
    steps = trained(merged)
    steps[-1] |= {"adapter": "", "merged": "adapter.gguf"}
    job = await place.ended(await place.create(steps, model="me/helper", name="whole", merge=True))
    assert job["state"] == "succeeded", job
    model = await shelf.library.resolve("whole")
    assert model.weights.read_bytes() == merged.read_bytes()
    assert (model.adapters, model.system) == ((), "S")
    assert (await shelf.library.show("whole")).tuned == {"base": "b"}


async def test_each_key_sees_its_own_jobs_and_files(place):
    id = await place.create([DATA, FAILED])
    await place.ended(id)
    place.owner = 7
    assert (await place.client.get("/api/tune")).json() == {"jobs": []}
    assert (await place.client.get(f"/api/tune/{id}")).status_code == 404
    assert (await place.client.get("/v1/files")).json()["data"] == []


async def test_weights_that_were_changed_meanwhile_are_not_trained_on(place, shelf):
    id = await place.create(LONG)
    await place.reached(id, event="step")
    await place.post(f"{id}/stop")
    await place.ended(id)
    request = CreateRequest(model="base", files=shelf.gguf("other.gguf", seed=5))
    async for _ in shelf.library.create(request):
        pass
    await place.post(f"{id}/resume")
    job = await place.ended(id)
    assert job["error"]["message"] == "the weights of 'base:latest' have changed since the job was made"


async def test_the_base_may_go_while_it_is_trained_on_but_not_its_blobs(place, adapter):
    id = await place.create([DATA, PLAN, step(1), {"wait": 1}, *trained(adapter)[2:]])
    await place.reached(id, event="step")
    await place.shelf.library.delete("base")
    assert (await place.ended(id))["state"] == "succeeded"
    assert (await place.shelf.library.resolve("me/helper")).weights.exists()
