"""Files and jobs as OpenAI's own library asks for them."""

from __future__ import annotations

import json

import openai
import pytest

from corral.library import CreateRequest
from corral.tune import files as kept
from tests.helpers.scripted_tuner import DATA, FAILED, PLAN, step, trained

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
NO_FILE = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--b--\r\n'
LONG = [DATA, PLAN, step(1), {"wait": 50}]


@pytest.fixture
async def place(place):
    async for _ in place.shelf.library.create(CreateRequest(model="base", files=place.shelf.gguf())):
        pass
    return place


@pytest.fixture
def client(place):
    return openai.AsyncOpenAI(
        base_url="http://corral.test/v1", api_key="none", http_client=place.client, max_retries=0
    )


async def send(client, steps):
    content = steps if isinstance(steps, bytes) else json.dumps(steps).encode()
    return await client.files.create(file=("examples.jsonl", content), purpose="fine-tune")


async def create(client, steps, **fields):
    file = await send(client, steps)
    return await client.fine_tuning.jobs.create(model="base", training_file=file.id, **fields)


async def test_a_file_is_sent_listed_read_and_deleted(client):
    content = b'{"a": 1}\r\n--x--\r\n' * 50_000
    file = await send(client, content)
    assert (file.object, file.bytes, file.filename, file.purpose, file.status) == (
        "file",
        len(content),
        "examples.jsonl",
        "fine-tune",
        "processed",
    )
    assert [found.id async for found in client.files.list()] == [file.id]
    assert (await client.files.retrieve(file.id)) == file
    assert (await client.files.content(file.id)).content == content
    deleted = await client.files.delete(file.id)
    assert (deleted.id, deleted.deleted) == (file.id, True)
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        await client.files.retrieve(file.id)


async def test_files_come_in_pages(client):
    ids = [(await send(client, [number])).id for number in range(3)]
    page = await client.files.list(limit=2)
    assert ([file.id for file in page.data], page.has_more) == (ids[:0:-1], True)
    assert [file.id async for file in client.files.list(limit=1)] == ids[::-1]
    assert [file.id async for file in client.files.list(order="asc")] == ids


@pytest.mark.parametrize(
    ("content", "purpose", "message"),
    [
        (b"x", "assistants", 'purpose must be "fine-tune"'),
        (b"", "fine-tune", "the file is empty"),
        (b"x" * 2000, "fine-tune", "the file is too large: at most 1 KB"),
    ],
)
async def test_a_file_that_is_not_taken_leaves_nothing(client, place, monkeypatch, content, purpose, message):
    monkeypatch.setattr(kept, "MAX_FILE", 1000)
    with pytest.raises(openai.BadRequestError, match=message):
        await client.files.create(file=("f", content), purpose=purpose)
    assert [file async for file in client.files.list()] == []
    assert list((place.home / "files").iterdir()) == []


async def test_all_files_of_a_key_together_have_a_limit(client, monkeypatch):
    monkeypatch.setattr(kept, "MAX_TOTAL", 100)
    await send(client, b"x" * 60)
    with pytest.raises(openai.BadRequestError, match="no room for the file"):
        await send(client, b"x" * 60)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nx", "multipart/form-data; boundary=b"),
        (NO_FILE, "multipart/form-data; boundary=b"),
        (b"nonsense", "multipart/form-data; boundary=b"),
        (b"{}", "application/json"),
        (b"x", "multipart/form-data"),
    ],
)
async def test_a_broken_form_is_a_bad_request(place, body, kind):
    answer = await place.client.post("/v1/files", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert not (place.home / "files").exists() or list((place.home / "files").iterdir()) == []


async def test_a_job_succeeds_with_a_model_and_a_file_of_its_losses(client, place, adapter):
    given = {"n_epochs": 2, "batch_size": "auto"}
    job = await create(
        client,
        trained(adapter),
        suffix="My helper!",
        seed=7,
        metadata={"team": "a"},
        method={"type": "supervised", "supervised": {"hyperparameters": given}},
    )
    assert (job.object, job.model, job.seed, job.fine_tuned_model) == (
        "fine_tuning.job",
        "base:latest",
        7,
        None,
    )
    assert (job.hyperparameters.n_epochs, job.hyperparameters.batch_size) == (2, "auto")
    await place.ended(job.id)
    job = await client.fine_tuning.jobs.retrieve(job.id)
    assert (job.status, job.fine_tuned_model, job.error) == ("succeeded", "base-My-helper:latest", None)
    assert job.trained_tokens == 10  # one epoch of the two rows that all tokens are in
    assert job.metadata == {"team": "a"}
    assert job.finished_at >= job.created_at
    results = await client.files.content(job.result_files[0])
    assert results.text.splitlines() == [
        "step,train_loss,valid_loss,learning_rate",
        "0,,2.0,",
        "1,1.0,,0.1",
        "2,0.5,1.0,0.1",
    ]
    (checkpoint,) = [found async for found in client.fine_tuning.jobs.checkpoints.list(job.id)]
    assert (checkpoint.step_number, checkpoint.fine_tuned_model_checkpoint) == (2, job.fine_tuned_model)
    assert (checkpoint.metrics.train_loss, checkpoint.metrics.valid_loss) == (0.5, 1.0)


async def test_events_come_newest_first_and_in_pages(client, place, adapter):
    job = await create(client, trained(adapter))
    await place.ended(job.id)
    page = await client.fine_tuning.jobs.list_events(job.id, limit=3)
    assert [event.message for event in page.data] == [
        "Training has ended",
        "Better than the base: the held-out loss",
        "Step 2: validation loss=1.0000",
    ]
    assert page.has_more
    events = [event async for event in client.fine_tuning.jobs.list_events(job.id, limit=3)]
    assert len({event.id for event in events}) == len(events) == 9
    assert events[-1].message == f"Created fine-tuning job: {job.id}"
    metrics = [event for event in events if event.type == "metrics"]
    assert metrics[1].data["train_loss"] == 0.5


async def test_bad_data_fails_the_job_with_the_reason(client, place):
    job = await create(client, [DATA, FAILED])
    await place.ended(job.id)
    job = await client.fine_tuning.jobs.retrieve(job.id)
    assert (job.status, job.error.code, job.error.message, job.error.param) == (
        "failed",
        "invalid_training_file",
        "no row is usable",
        "training_file",
    )


async def test_a_result_that_is_no_better_fails_and_says_how_to_have_it(client, place, adapter):
    job = await create(client, trained(adapter, better=False))
    await place.ended(job.id)
    job = await client.fine_tuning.jobs.retrieve(job.id)
    assert (job.status, job.error.code, job.fine_tuned_model) == ("failed", "not_better", None)
    assert f"corral tune publish {job.id}" in job.error.message


async def test_a_job_is_paused_resumed_and_cancelled(client, place, adapter):
    job = await create(client, [*LONG, {"wait": 50}, *trained(adapter)[2:]])
    await place.reached(job.id, event="step")
    assert (await client.fine_tuning.jobs.retrieve(job.id)).status == "running"
    await client.fine_tuning.jobs.pause(job.id)
    await place.ended(job.id)
    assert (await client.fine_tuning.jobs.retrieve(job.id)).status == "paused"
    await client.fine_tuning.jobs.resume(job.id)
    await place.ended(job.id)
    assert (await client.fine_tuning.jobs.retrieve(job.id)).status == "succeeded"
    other = await create(client, LONG)
    await place.reached(other.id, event="step")
    await client.fine_tuning.jobs.cancel(other.id)
    await place.ended(other.id)
    assert (await client.fine_tuning.jobs.retrieve(other.id)).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="does not run"):
        await client.fine_tuning.jobs.cancel(other.id)


async def test_jobs_are_listed_in_pages_and_by_metadata(client, place):
    ids = [(await create(client, LONG, metadata={"n": str(number)})).id for number in range(3)]
    assert [job.id async for job in client.fine_tuning.jobs.list(limit=2)] == ids[::-1]
    named = client.fine_tuning.jobs.list(extra_query={"metadata[n]": "1"})
    assert [job.id async for job in named] == [ids[1]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"method": {"type": "dpo"}}, 'method "dpo" is not supported'),
        ({"suffix": "x" * 65}, "at most 64"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "nothing of a job leaves"),
        ({"hyperparameters": {"n_epochs": "many"}}, 'n_epochs must be a number, or "auto"'),
        ({"extra_body": {"preset": "fast"}}, "preset"),
        ({"extra_body": {"name": "a b"}}, "invalid"),
        ({"extra_body": {"options": {"rnak": 1}}}, "rnak"),
    ],
)
async def test_what_cannot_be_done_is_a_bad_request(client, fields, message):
    with pytest.raises(openai.BadRequestError, match=message):
        await create(client, [], **fields)


async def test_a_multiple_of_the_learning_rate_is_one_of_the_presets(client, place):
    rates = []
    for factor in (1, 2):
        job = await create(client, LONG, hyperparameters={"learning_rate_multiplier": factor})
        assert job.hyperparameters.learning_rate_multiplier == factor
        rates.append((await place.show(job.id))["hyperparameters"]["learning_rate"])
    assert rates[1] == pytest.approx(2 * rates[0])
