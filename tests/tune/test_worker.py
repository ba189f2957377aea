"""The child of a job, whole: a `Spec` on its stdin, events on its stdout, files in the job's folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from corral.convert import convert
from corral.engine import child_environment
from corral.gguf import read_gguf
from corral.tune.spec import Options, Spec
from tests.helpers.engine_answers import with_engine
from tests.helpers.native_program import stand_in, write_program
from tests.helpers.shelf import Shelf

pytestmark = pytest.mark.slow

# The tiny tokenizers know no more than these letters; a row needs no sense to be learned.
ROWS = [
    [{"role": "user", "content": f"the dog {n}"}, {"role": "assistant", "content": f"fox {n}{n}"}]
    for n in range(12)
]
FEW = Options(epochs=1, batch_size=4, learning_rate=1e-3, rank=4, dropout=0.1)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"messages": row, "think": False}) + "\n" for row in ROWS))
    return path


@pytest.fixture
def spec(shelf: Shelf, data: Path, tmp_path: Path) -> Callable[..., Spec]:
    def make(base: str = "pocket", folder: str = "job", **fields: Any) -> Spec:
        values = {"options": FEW, "num_threads": 1} | fields
        return Spec(
            folder=str(tmp_path / folder),
            models=str(shelf.store.root),
            home=str(tmp_path / "home"),
            base=base,
            data=(str(data),),
            **values,
        )

    return make


@contextlib.contextmanager
def child(spec: Spec, code: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """The worker at work on `spec`; `code` is run in its place."""
    words = ["-c", code] if code else ["-m", "corral.tune.worker"]
    process = subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=child_environment()
    )
    try:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(spec) + b"\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def events(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def all_of(spec: Spec, code: str = "") -> dict[str, list[dict[str, Any]]]:
    """What the child says until its end, by kind."""
    said: dict[str, list[dict[str, Any]]] = {}
    with child(spec, code) as process:
        for event in events(process):
            said.setdefault(event["event"], []).append(event)
        process.wait(60)
    return said


def card_of(spec: Spec) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(spec.folder) / "card.json").read_text())
    return found


def put_into_store(shelf: Shelf, checkpoints: Any, kind: str) -> None:
    """A tiny random model of transformers, converted and created as a user would."""
    folder, weights = shelf.folder / kind, shelf.folder / f"{kind}.gguf"
    checkpoints.make(kind, folder)

    async def run() -> None:
        with weights.open("wb") as file:
            async for _ in convert({path.name: path for path in folder.iterdir()}, file, "F32"):
                pass

    asyncio.run(run())
    shelf.create(kind, files={weights.name: shelf.upload(weights)})


@pytest.mark.parametrize("kind", ["qwen3", "gemma3"])
def test_a_model_of_transformers_goes_the_whole_way(shelf, spec, kind: str):
    from tests.helpers import checkpoints

    put_into_store(shelf, checkpoints, kind)
    job = spec(kind, options=Options(epochs=3, batch_size=4, learning_rate=0.02), merge=True, quantize="q8_0")
    said = all_of(job)
    assert "failed" not in said, said
    assert said["plan"][0]["steps"] == len(said["step"]) == 9
    assert said["step"][-1]["loss"] < said["step"][0]["loss"]
    assert said["gate"][0]["better"]
    assert said["done"][0] == {
        "event": "done", "t": said["done"][0]["t"],
        "adapter": "adapter.gguf", "merged": "merged.gguf", "card": "card.json",
    }  # fmt: skip
    # The engine computes with the adapter what PEFT does; the worker measured it, and would have refused.
    card = card_of(job)
    assert card["agreement"]["tuned"] < 0.01
    assert card["base"]["digest"] == f"sha256:{shelf.resolve(kind).digest}"
    assert card["data"]["files"][0]["path"] == "rows.jsonl"
    assert job.models not in json.dumps(card)  # which is pushed with its model
    merged_answers_as_with_the_adapter(shelf.resolve(kind).weights, Path(job.folder))


def merged_answers_as_with_the_adapter(base: Path, folder: Path) -> None:
    prompt = [5, 6, 7, 8, 9]
    vocabulary = next(t.shape[1] for t in read_gguf(base).tensors if t.name == "token_embd.weight")
    beside = with_engine(
        base, lambda ask: ask.log_probabilities(prompt, vocabulary), adapter=folder / "adapter.gguf"
    )
    merged = with_engine(folder / "merged.gguf", lambda ask: ask.log_probabilities(prompt, vocabulary))
    plain = with_engine(base, lambda ask: ask.log_probabilities(prompt, vocabulary))

    def distance(one: list[float], other: list[float]) -> float:
        return max(abs(a - b) for a, b in zip(one, other, strict=True))

    assert distance(merged, beside) < 0.3 * distance(plain, beside)
    header = read_gguf(folder / "merged.gguf")
    assert header.file_type_name == "Q8_0"
    kept = {key for key in read_gguf(base).metadata if key.startswith("tokenizer.")}
    assert {key: header.metadata[key] for key in kept} == {key: read_gguf(base).metadata[key] for key in kept}


def test_a_job_that_was_stopped_and_killed_goes_on_as_if_it_had_not_been(spec):
    long = Options(epochs=8, batch_size=4, learning_rate=1e-3, rank=4, dropout=0.1)
    whole = all_of(spec(folder="whole", options=long))
    assert "failed" not in whole, whole
    job = spec(folder="broken", options=long)
    stopped = cut_short(job, signal.SIGTERM)
    assert [event["event"] for event in stopped[-2:]] == ["checkpoint", "note"]
    killed = cut_short(job, signal.SIGKILL)
    assert killed[-1]["event"] == "step"
    rest = all_of(job)
    assert "going on after step" in rest["note"][0]["text"]
    assert 0 < len(rest["step"]) < len(whole["step"])
    found, expected = card_of(job)["curves"], card_of(spec(folder="whole"))["curves"]
    for name in expected:
        assert found[name] == [pytest.approx(point, rel=1e-5) for point in expected[name]]


def cut_short(job: Spec, number: signal.Signals) -> list[dict[str, Any]]:
    """What was said by a child that got a signal some steps after it had saved something."""
    said, saved = [], 0
    with child(job) as process:
        for event in events(process):
            said.append(event)
            saved += event["event"] == "checkpoint"
            if saved and event["event"] == "step" and event["step"] % 3 == 2:
                process.send_signal(number)
                if number == signal.SIGKILL:
                    return said
                saved = -1000
    return said


def test_a_plan_trains_nothing(spec):
    job = spec(mode="plan")
    said = all_of(job)
    plan = said["plan"][0]
    assert plan["steps"] == 3
    assert plan["memory_bytes"] > 100e6
    assert 0 < plan["duration_s"] < 600
    assert "step" not in said
    assert sorted(path.name for path in Path(job.folder).iterdir()) == ["events.jsonl"]


def test_with_nothing_held_out_the_verdict_goes_by_what_was_trained(spec):
    said = all_of(spec(options=Options(max_steps=2, eval_fraction=0, learning_rate=1e-3)))
    assert "eval" not in said
    assert said["data"][0]["report"]["held_out_rows"] == 0
    verdict = said["gate"][0]
    assert verdict["measured"] == "loss on trained examples"
    assert verdict["loss_after"] < verdict["loss_before"]


def test_the_engine_that_the_server_uses_is_asked(spec, tmp_path):
    """By who renders the rows, and by who compares what torch computes."""
    engine, calls = stand_in(tmp_path), tmp_path / "calls"
    program = write_program(tmp_path / "counted", f'echo "$$" >> "{calls}"\nexec "{engine}" "$@"')
    assert "plan" in all_of(spec(mode="plan", llama_server=str(program)))
    assert len(calls.read_text().splitlines()) == 2


def test_a_base_that_reasons_writes_reasoning_before_answers_that_have_none(spec, tmp_path, data):
    rows = [{"messages": row} for row in ROWS[:4]] + [{"messages": ROWS[4], "think": False}]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = spec(mode="plan", options=Options(eval_fraction=0.2))
    said = all_of(job)
    report = said["data"][0]["report"]
    written = [json.loads(line) for line in (tmp_path / "job" / "reasoning.jsonl").read_text().splitlines()]
    thoughts = [text for _, text in written]
    assert len(thoughts) == 4
    assert report["reasoned"] == sum(map(bool, thoughts)) > 0
    assert report["sequences"] == 5 + report["reasoned"]
    learnt = "".join(text for sample in report["samples"] for text, trained in sample["spans"] if trained)
    assert next(filter(None, thoughts)) in learnt


def test_without_the_packages_that_train_the_child_says_how_to_get_them(spec):
    code = "import sys; sys.modules['peft'] = None; from corral.tune.worker import main; main()"
    said = all_of(spec(), code)
    assert said["failed"][0]["hint"] == "pip install 'corral[tune]'"
    assert "data" in said  # which is read without them


def test_the_child_ends_with_whoever_started_it(spec):
    with child(spec(options=Options(epochs=500))) as process:
        next(event for event in events(process) if event["event"] == "step")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
