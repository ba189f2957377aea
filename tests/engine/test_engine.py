"""The engine as it is: real children, real models, both ways of starting one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from corral.core.options import Options
from corral.engine import (
    ChatCompletion,
    Chunk,
    Completion,
    Finish,
    LaunchParams,
    PrefillProgress,
    Process,
    Sampling,
    TextPiece,
    ToolCallDelta,
    json_grammar,
    start,
    sweep_folders,
)
from corral.errors import EngineError, LoadError, RunnerCrashed, UnknownArchitecture
from tests.helpers.native_program import stand_in

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# Read before the tests put the environment aside: `CORRAL_LLAMA_SERVER=/path pytest tests/engine`.
REAL_SERVER = os.environ.get("CORRAL_LLAMA_SERVER")

HELLO = "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
# No end is ever allowed; what is sampled freely may end before anybody has looked at its first tokens.
ENDLESS = 'root ::= "ha! " root'


@pytest.fixture(params=["packaged", "native"])
def llama_server(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """None for the packaged engine, else a program with the command line of a native server."""
    if request.param == "packaged":
        return None
    if REAL_SERVER:
        return Path(REAL_SERVER)
    return stand_in(tmp_path)


@contextlib.asynccontextmanager
async def running(params: LaunchParams, llama_server: Path | None = None) -> AsyncIterator[Process]:
    process = await start(params, timeout_s=60, llama_server=llama_server)
    try:
        yield process
    finally:
        await process.kill()


def sampling(options: Options, **more: object) -> Sampling:
    return Sampling.of(
        options, 2048, logprobs=bool(more.get("logprobs")), top_logprobs=int(str(more.get("top", 0)))
    )


def endless() -> Completion:
    return Completion(prompt=HELLO, grammar=ENDLESS, sampling=sampling(Options(num_predict=-1)))


async def chunks(process: Process, request: Completion | ChatCompletion) -> list[Chunk]:
    client = process.client
    stream = client.complete(request) if isinstance(request, Completion) else client.chat(request)
    return [chunk async for batch in stream for chunk in batch]


def text(found: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in found if isinstance(chunk, TextPiece) and not chunk.reasoning)


async def test_a_prompt_is_continued_and_counted(chat_model: Path, llama_server: Path | None):
    async with running(LaunchParams(model=str(chat_model), num_ctx=1024), llama_server) as process:
        request = Completion(prompt=HELLO, sampling=sampling(Options(temperature=0)))
        found = await chunks(process, request)
        assert text(found).startswith("<think>\n")
        assert isinstance(found[0], PrefillProgress)
        finish = found[-1]
        assert isinstance(finish, Finish)
        assert (finish.reason, finish.prompt_tokens) == ("stop", 9)
        assert finish.completion_tokens == 25


async def test_a_chat_separates_reasoning(chat_model: Path, llama_server: Path | None):
    async with running(LaunchParams(model=str(chat_model), num_ctx=1024), llama_server) as process:
        request = ChatCompletion(
            messages=[{"role": "user", "content": "Hello"}], sampling=sampling(Options(temperature=0))
        )
        found = await chunks(process, request)
        assert "<think>" not in text(found)
        assert any(isinstance(chunk, TextPiece) and chunk.reasoning for chunk in found)


async def test_tools_are_called(chat_model: Path):
    tool = {"type": "function", "function": {"name": "get_weather", "description": "weather of a city"}}
    tool["function"]["parameters"] = {"type": "object", "properties": {"city": {"type": "string"}}}  # type: ignore[index]
    async with running(LaunchParams(model=str(chat_model), num_ctx=2048)) as process:
        request = ChatCompletion(
            messages=[{"role": "user", "content": "What is the weather in Paris?"}],
            tools=[tool],
            sampling=sampling(Options(temperature=0)),
        )
        calls = [chunk for chunk in await chunks(process, request) if isinstance(chunk, ToolCallDelta)]
        assert calls[0].name == "get_weather"
        assert "Paris" in "".join(call.arguments for call in calls)


async def test_small_calls_answer(chat_model: Path):
    async with running(LaunchParams(model=str(chat_model), num_ctx=1024)) as process:
        tokens = await process.client.tokenize("Hello there")
        assert await process.client.detokenize(tokens) == "Hello there"
        assert (await process.client.apply_template([{"role": "user", "content": "Hello"}])) == HELLO
        assert await process.client.healthy()


async def test_log_probabilities_come_with_alternatives(chat_model: Path):
    async with running(LaunchParams(model=str(chat_model), num_ctx=1024)) as process:
        options = Options(temperature=0, num_predict=3)
        found = await chunks(
            process, Completion(prompt=HELLO, sampling=sampling(options, logprobs=True, top=2))
        )
        entries = [entry for chunk in found if isinstance(chunk, TextPiece) for entry in chunk.logprobs]
        assert [len(entry.top) for entry in entries] == [2, 2, 2]
        assert all(entry.logprob <= 0 for entry in entries)


async def test_a_grammar_holds(chat_model: Path):
    async with running(LaunchParams(model=str(chat_model), num_ctx=1024)) as process:
        options = Options(temperature=1.0, num_predict=30, seed=3)
        request = Completion(prompt="x", grammar=json_grammar(), sampling=sampling(options))
        assert text(await chunks(process, request)).startswith("{")


@pytest.mark.parametrize(
    ("grammar", "stop", "num_predict", "expected"),
    [
        ('"hé𒀀!"', (), 20, "hé𒀀!"),
        ('"hello 𒀀STOPper"', ("OPp",), 20, "hello 𒀀ST"),
        ('"𒀀𒀀"', (), 2, ""),
    ],
)
async def test_no_piece_ends_within_a_character_or_holds_a_part_of_a_stop_text(
    chat_model: Path, grammar: str, stop: tuple[str, ...], num_predict: int, expected: str
):
    async with running(LaunchParams(model=str(chat_model), num_ctx=512)) as process:
        options = Options(temperature=0, num_predict=num_predict, stop=stop)
        request = Completion(prompt="x", grammar=f"root ::= {grammar}", sampling=sampling(options))
        found = await chunks(process, request)
        assert all("\ufffd" not in chunk.text for chunk in found if isinstance(chunk, TextPiece))
        assert text(found) == expected


async def test_a_broken_grammar_is_an_error_and_nothing_worse(chat_model: Path):
    async with running(LaunchParams(model=str(chat_model), num_ctx=1024)) as process:
        with pytest.raises(EngineError) as found:
            await chunks(process, Completion(prompt="x", grammar="root ::= (", sampling=sampling(Options())))
        assert found.value.status == 400
        assert await process.client.healthy()


async def test_embeddings_have_the_length_that_was_asked_for(embedding_model: Path):
    params = LaunchParams(model=str(embedding_model), num_ctx=512, embedding=True)
    async with running(params) as process:
        tokens = await process.client.tokenize("hello there", add_special=True)
        unit, raw = [(await process.client.embed([tokens], normalize=n))[0] for n in (True, False)]
        assert sum(x * x for x in unit) == pytest.approx(1, abs=1e-4)
        assert sum(x * x for x in raw) > 1.5


async def test_the_engine_says_why_a_file_is_no_model(tmp_path: Path):
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"NOPE" * 1000)
    with pytest.raises(LoadError, match="invalid magic"):
        await start(LaunchParams(model=str(path)), timeout_s=30)


async def test_a_long_temporary_folder_is_no_obstacle(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    async with running(LaunchParams(model=str(chat_model), num_ctx=512)) as process:
        assert await process.client.healthy()


@pytest.mark.parametrize("content", [b"", b"GGUF", os.urandom(100_000), b"GGUF\x03\0\0\0" + b"\xff" * 64])
async def test_what_is_no_model_is_refused_with_a_reason(tmp_path: Path, content: bytes):
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(LoadError):
        await start(LaunchParams(model=str(path)), timeout_s=30)


async def test_a_cut_file_is_refused_with_the_engine_s_reason(tmp_path: Path, chat_model: Path):
    path = tmp_path / "cut.gguf"
    path.write_bytes(chat_model.read_bytes()[:4_000_000])
    with pytest.raises(LoadError, match="not within the file bounds"):
        await start(LaunchParams(model=str(path)), timeout_s=30)


async def test_a_network_of_the_future_is_refused_as_such(tmp_path: Path, chat_model: Path):
    path = tmp_path / "new.gguf"
    key = b"general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0"
    path.write_bytes(chat_model.read_bytes().replace(key + b"llama", key + b"later"))
    with pytest.raises(UnknownArchitecture, match="unknown model architecture: 'later'"):
        await start(LaunchParams(model=str(path)), timeout_s=30)


async def kill_while_reading(process: Process, request: Completion) -> None:
    async with aclosing(process.client.complete(request)) as stream:
        async for _ in stream:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


async def test_a_killed_child_ends_the_answer_with_an_error(chat_model: Path):
    async with running(LaunchParams(model=str(chat_model), num_ctx=2048)) as process:
        with pytest.raises(RunnerCrashed):
            await kill_while_reading(process, endless())
        await asyncio.wait_for(asyncio.shield(process.exited), 5)
        assert not process.alive


async def test_a_child_that_is_stuck_is_told_from_one_that_answers(
    chat_model: Path, monkeypatch: pytest.MonkeyPatch
):
    async with running(LaunchParams(model=str(chat_model), num_ctx=256)) as process:
        assert await process.answers()
        monkeypatch.setattr("corral.engine.launch._PING_S", 0.5)
        os.kill(process.pid, signal.SIGSTOP)
        while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        assert process.alive
        assert not await process.answers()


async def test_a_client_that_leaves_frees_the_slot(chat_model: Path):
    async with running(LaunchParams(model=str(chat_model), num_ctx=2048)) as process:
        async with aclosing(process.client.complete(endless())) as stream:
            async for batch in stream:
                if any(isinstance(chunk, TextPiece) for chunk in batch):
                    break
        # The only slot: this waits until it is free again.
        began = time.monotonic()
        short = Completion(prompt=HELLO, sampling=sampling(Options(num_predict=1)))
        await asyncio.wait_for(chunks(process, short), 10)
        assert time.monotonic() - began < 10


async def test_the_folder_of_a_child_goes_with_it(chat_model: Path):
    process = await start(LaunchParams(model=str(chat_model)), timeout_s=60)
    folder = Path(process.address.removeprefix("unix://")).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await process.kill()
    assert not folder.exists()


def test_a_child_does_not_outlive_a_killed_parent(chat_model: Path, llama_server: Path | None):
    code = (
        "import asyncio, pathlib, sys\n"
        "from corral.engine import LaunchParams, start\n"
        "async def main():\n"
        "    server = pathlib.Path(sys.argv[2]) if sys.argv[2] else None\n"
        "    process = await start(LaunchParams(model=sys.argv[1]), timeout_s=60, llama_server=server)\n"
        "    print(process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    words = [sys.executable, "-c", code, str(chat_model), str(llama_server or "")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone or not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_folders_of_dead_servers_are_swept_and_those_of_living_ones_kept():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    root = Path(tempfile.gettempdir())
    left, kept = root / f"corral-{gone.pid}-test", root / f"corral-{os.getpid()}-test"
    left.mkdir()
    kept.mkdir()
    sweep_folders()
    assert (left.exists(), kept.exists()) == (False, True)
    kept.rmdir()


def test_the_child_s_environment_has_no_secrets(monkeypatch: pytest.MonkeyPatch):
    from corral.engine.launch import child_environment

    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    env = child_environment()
    assert "HF_TOKEN" not in env
    assert env["CUDA_VISIBLE_DEVICES"] == "1"
    assert env["GOMP_SPINCOUNT"] == "1000"


async def test_an_answer_at_the_end_of_a_conversation_is_closed_where_nobody_wants_to_go_on_with_it(
    chat_model: Path, llama_server: Path | None
):
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    params = LaunchParams(model=str(chat_model), num_ctx=1024, prefill=False)
    async with running(params, llama_server) as process:
        prompt = await process.client.apply_template(messages[:1])
        whole = await process.client.apply_template(messages, opens_answer=False)
    assert whole.startswith(prompt)
    assert whole.removeprefix(prompt).strip().endswith("Hello<|im_end|>")


async def test_many_texts_become_tokens_in_one_request(chat_model: Path):
    texts = ["Hello", "", "<|im_start|>user\nHi<|im_end|>", "wörld -1"]
    async with running(LaunchParams(model=str(chat_model), num_ctx=1024)) as process:
        together = await process.client.tokenize_all(texts)
        assert together == [await process.client.tokenize(text) for text in texts]
        assert await process.client.tokenize_all([]) == []
