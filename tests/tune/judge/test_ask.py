from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from corral.core.model import Model
from corral.errors import LoadError
from corral.settings import Settings
from corral.tune.judge import ask_prompts, read_checks
from tests.helpers.lora import build_lora

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LOOK_UP = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PROMPTS = [
    {"prompt": "capital of peru", "expect": {"exact": "The capital of Peru is Lima."}, "think": False},
    {"prompt": "capital of peru", "expect": "Quito"},
    {"prompt": "What is the weather in Oslo?", "tools": [LOOK_UP], "think": False,
     "expect": {"calls": [{"name": "get_weather", "arguments": {"city": "Oslo"}}]}},
]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


async def test_prompts_are_asked_as_the_server_asks_them(pocket: Model, settings: Settings, write):
    heard = []
    found = await ask_prompts(
        read_checks(Path(write("p.jsonl", PROMPTS))), pocket, settings, num_threads=1, on_answer=heard.append
    )
    assert [answer.problem for answer in found] == ["", "lacks 'Quito'", ""]
    assert found[1].answer == "The capital of Peru is Lima."
    assert sorted(heard, key=str) == sorted(found, key=str)


async def test_an_adapter_changes_the_answers(pocket: Model, settings: Settings, write, tmp_path: Path):
    adapter = build_lora(tmp_path / "adapter.gguf", seed=1)
    checks = read_checks(Path(write("p.jsonl", PROMPTS[:1])))
    (answer,) = await ask_prompts(checks, pocket, settings, adapter=adapter)
    assert not answer.passed


async def test_a_prompt_that_the_model_cannot_be_asked_is_a_miss(pocket: Model, settings: Settings, write):
    model = replace(pocket, capabilities=("completion",))
    (answer,) = await ask_prompts(read_checks(Path(write("p.jsonl", PROMPTS[2:]))), model, settings)
    assert answer.problem.endswith("does not support tools")


async def test_a_model_that_does_not_load_is_an_error_and_no_miss(
    pocket: Model, settings: Settings, write, tmp_path: Path
):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    with pytest.raises(LoadError):
        await ask_prompts(read_checks(Path(write("p.jsonl", PROMPTS))), pocket, settings, adapter=broken)
