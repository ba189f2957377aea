"""Fine-tuning, timed: `python -m bench.tuning`. A random model is made, converted, tuned by the real child.

With `--device cuda` it is tuned in bfloat16 and, where bitsandbytes is there, with its base in 4 bits too.
Needs the extra `tune`, and no network.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from corral.convert import convert
from corral.engine import child_environment
from corral.library import CreateRequest, Library
from corral.settings import Settings
from corral.store import Store
from corral.tune.spec import Options, Spec

NAME = "bench-tune"
WORDS = ("the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "as", "was", "with", "be", "by")


@dataclass(frozen=True, slots=True)
class Size:
    width: int
    blocks: int
    ffn_width: int
    rows: int
    words: int  # of an answer


SIZES = {
    "tiny": Size(128, 2, 256, 40, 20),
    "small": Size(512, 6, 1536, 200, 100),
    "large": Size(2048, 16, 6144, 400, 300),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--quantize", default="q8_0", help="the file type of the base")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, size = Path(name), SIZES[options.size]
        began = time.monotonic()
        make_model(folder, size, options.quantize)
        write_rows(folder / "rows.jsonl", size)
        print(f"made a model in {time.monotonic() - began:.1f} s", flush=True)
        failed = [not tune(folder, way, options) for way in ways(options.device)]
    return int(any(failed))


def ways(device: str) -> list[str]:
    if device == "cpu":
        return ["float32"]
    return ["bfloat16", "packed"] if find_spec("bitsandbytes") else ["bfloat16"]


def make_model(folder: Path, size: Size, file_type: str) -> None:
    # Imported late: seconds, which --help need not take.
    import torch
    import transformers

    helper = import_module("tests.helpers.checkpoints")
    torch.manual_seed(0)
    tokenizer = helper.byte_tokenizer(helper.QWEN_SPLIT)
    config = transformers.Qwen3Config(
        hidden_size=size.width,
        intermediate_size=size.ffn_width,
        num_hidden_layers=size.blocks,
        num_attention_heads=size.width // 64,
        num_key_value_heads=size.width // 128,
        head_dim=64,
        vocab_size=tokenizer.get_vocab_size(),
        tie_word_embeddings=True,
    )
    checkpoint = folder / "checkpoint"
    network: Any = transformers.Qwen3ForCausalLM(config)
    network.to(torch.bfloat16).save_pretrained(checkpoint)
    fast_tokenizer: Any = transformers.PreTrainedTokenizerFast
    fast = fast_tokenizer(tokenizer_object=tokenizer, eos_token="<|im_end|>")
    fast.save_pretrained(checkpoint)
    asyncio.run(_create(folder, checkpoint, file_type))


async def _create(folder: Path, checkpoint: Path, file_type: str) -> None:
    weights, models = folder / "model.gguf", folder / "models"
    with weights.open("wb") as file:
        async for _ in convert({path.name: path for path in checkpoint.iterdir()}, file, file_type.upper()):
            pass
    store = Store(models)
    digest = str(store.blobs.add_bytes(weights.read_bytes()))
    request = CreateRequest(model=NAME, files={"model.gguf": digest})
    async for _ in Library(store, Settings(models=models)).create(request):
        pass


def write_rows(path: Path, size: Size) -> None:
    source = random.Random(0)
    lines = []
    for number in range(size.rows):
        answer = " ".join(source.choice(WORDS) for _ in range(source.randint(size.words // 2, size.words)))
        turns = [{"role": "user", "content": f"row {number}"}, {"role": "assistant", "content": answer}]
        lines.append(json.dumps({"messages": turns}) + "\n")
    path.write_text("".join(lines))


def tune(folder: Path, way: str, options: Any) -> bool:
    """Whether the job came to its end; its numbers are printed."""
    job = folder / way
    spec = Spec(
        folder=str(job),
        models=str(folder / "models"),
        home=str(folder / "home"),
        base=NAME,
        data=(str(folder / "rows.jsonl"),),
        device=options.device,
        options=Options(max_steps=options.steps, quantized_base=way == "packed"),
    )
    began = time.monotonic()
    said = list(events(spec))
    seconds = time.monotonic() - began
    problem = next((event for event in said if event["event"] == "failed"), None)
    if problem is not None or not (job / "card.json").exists():
        print(f"{way}: failed after {seconds:.0f} s: {problem}")
        return False
    report(way, seconds, said, json.loads((job / "card.json").read_text()))
    return True


def events(spec: Spec) -> Iterator[dict[str, Any]]:
    words = [sys.executable, "-m", "corral.tune.worker"]
    environment = child_environment()
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(msgspec.json.encode(spec) + b"\n")
        child.stdin.flush()
        for line in child.stdout:
            yield json.loads(line)


def report(way: str, seconds: float, said: list[dict[str, Any]], card: dict[str, Any]) -> None:
    steps = [event for event in said if event["event"] == "step"]
    rates = sorted(event["tokens_per_s"] for event in steps[2:])
    plan = next(event for event in said if event["event"] == "plan")
    memory, agreement = card["memory"], card["agreement"]
    print(f"{way} on {card['device']}: {len(steps)} steps")
    print(f"  {seconds:.1f} s in all, {plan['duration_s']:.1f} s planned")
    print(f"  {rates[len(rates) // 2]:.0f} tokens/s; loss {steps[0]['loss']:.3f} -> {steps[-1]['loss']:.3f}")
    print(
        f"  memory: planned {memory['planned_bytes'] / 1e9:.2f} GB, peak {memory['peak_bytes'] / 1e9:.2f} GB"
    )
    print(
        f"  torch and engine differ by {agreement['base']:.2g} (base), {agreement['computed']:.2g} "
        f"(as computed), {agreement['tuned']:.2g} (tuned), of which {agreement['limit']:.2g} can be rounding"
    )
    print(f"  {card['gate']['reason']}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
