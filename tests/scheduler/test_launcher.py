"""The scheduler with real children: a small real model, the packaged engine."""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from corral.core.options import Options
from corral.engine import Adapter, Completion, Finish, LaunchParams, Sampling, TextPiece
from corral.errors import LoadError, RunnerCrashed
from corral.scheduler import EngineLauncher, LaunchPlan, Scheduler
from corral.scheduler.launcher import launch_params
from corral.settings import Settings
from tests.helpers.build_model import build_model

WEIGHTS = Path(__file__).parents[1] / "parity" / "models" / "peer-suite.gguf"
OPTIONS = Options(temperature=0.0, num_predict=4, num_thread=1)


def real_model(weights=WEIGHTS):
    return build_model(
        "peer", weights=str(weights), size=weights.stat().st_size, num_blocks=4, context_length=2048
    )


def scenario(test):
    """Run `test(scheduler)` in real time; no child outlives it."""

    async def whole():
        scheduler = Scheduler(Settings(), EngineLauncher())
        try:
            async with asyncio.timeout(60):
                await test(scheduler)
        finally:
            await scheduler.close()

    before = children()
    asyncio.run(whole())
    assert children() - before == set()


def children():
    return {child.pid for child in psutil.Process().children(recursive=True)}


async def complete(lease, prompt="capital of peru", num_predict=4):
    sampling = Sampling(options=OPTIONS, num_ctx=lease.num_ctx, num_predict=num_predict)
    text, finish = "", None
    async for batch in lease.runner.client.complete(Completion(prompt=prompt, sampling=sampling)):
        for chunk in batch:
            if isinstance(chunk, TextPiece):
                text += chunk.text
            elif isinstance(chunk, Finish):
                finish = chunk
    return text, finish


async def ask(scheduler, **how):
    async with scheduler.lease(real_model(), OPTIONS) as lease:
        return await complete(lease, **how)


def test_a_plan_becomes_the_engines_parameters():
    plan = LaunchPlan(
        weights=Path("/m"),
        adapters=(Path("/l"),),
        projectors=(Path("/p"),),
        draft=Path("/d"),
        draft_num_predict=4,
        embedding=True,
        shift=False,
        num_ctx=100,
        num_slots=3,
        num_batch=64,
        num_threads=2,
        num_gpu=-1,
        devices=(1,),
        use_mmap=False,
        repack=False,
        kv_cache_type="q8_0",
        flash_attention=True,
        cache_bytes=5 << 20,
    )
    assert launch_params(plan) == LaunchParams(
        model="/m",
        adapters=(Adapter(path="/l"),),
        projector="/p",
        draft="/d",
        draft_num_predict=4,
        embedding=True,
        context_shift=False,
        num_ctx=100,
        num_slots=3,
        num_batch=64,
        num_threads=2,
        gpu_layers=-1,
        main_gpu=1,
        use_mmap=False,
        repack=False,
        kv_cache_type="q8_0",
        flash_attention=True,
        cache_mib=5,
    )


@pytest.mark.parametrize(
    ("main_gpu", "devices", "expected"),
    [(None, (), None), (None, (2,), 2), (None, (0, 1), None), (3, (3,), 3)],
)
def test_one_device_is_named_and_several_are_left_to_the_engine(main_gpu, devices, expected):
    plan = LaunchPlan(weights=Path("/m"), main_gpu=main_gpu, devices=devices)
    assert launch_params(plan).main_gpu == expected


def test_a_real_model_is_loaded_answers_and_is_listed():
    async def test(scheduler):
        text, finish = await ask(scheduler)
        assert text
        assert finish.completion_tokens == 4
        info = scheduler.loaded()[0]
        assert info.pid in children()
        assert 10 << 20 < info.size < 1 << 30
        assert info.num_ctx == 2048

    scenario(test)


def test_a_hundred_real_requests_at_once_are_all_answered():
    before = children()  # servers of other tests

    async def test(scheduler):
        answers = await asyncio.gather(*(ask(scheduler) for _ in range(100)))
        assert len(answers) == 100
        assert all(finish is not None for _, finish in answers)
        assert len(children() - before) == 1

    scenario(test)


def test_a_killed_child_fails_its_request_and_the_next_one_gets_another():
    async def test(scheduler):
        async with scheduler.lease(real_model(), OPTIONS) as lease:
            os.kill(lease.runner.process.pid, signal.SIGKILL)
            with pytest.raises(RunnerCrashed):
                await complete(lease, num_predict=2000)
            scheduler.discard(lease.runner)
        text, _ = await ask(scheduler)
        assert text

    scenario(test)


def test_a_load_that_is_cancelled_leaves_no_child_behind():
    async def test(scheduler):
        task = asyncio.create_task(ask(scheduler))
        while not children():  # noqa: ASYNC110  # a child's birth cannot be awaited
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait({task})
        assert scheduler.loaded() == []

    scenario(test)


def test_a_file_that_is_no_model_is_a_load_error(tmp_path):
    async def test(scheduler):
        bad = tmp_path / "bad.gguf"
        bad.write_bytes(b"GGUF" + bytes(100))
        with pytest.raises(LoadError):
            async with scheduler.lease(real_model(bad), OPTIONS):
                pass

    scenario(test)
