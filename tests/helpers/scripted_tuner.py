"""A child that says what its data file tells it to: the server's side of a job without any training.

Run as `corral.tune.worker` is. The file of examples is a JSON list of steps: an event to say, `{"wait": S}`,
`{"copy": [FROM, TO]}` with TO below the job's folder, `{"exit": STATUS}`. SIGTERM writes a checkpoint and
ends it; a child that finds one says so first. The end of stdin ends it at once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

DATA = {"event": "data", "report": {"rows": 3, "used": 2, "train_rows": 2, "trained_tokens": 10}}
PLAN = {"event": "plan", "device": "cpu", "steps": 2, "memory_bytes": 1, "duration_s": 1.0, "options": {}}
FAILED = {"event": "failed", "kind": "InvalidInput", "message": "no row is usable", "hint": "look at line 1"}


def step(number: int, loss: float = 1.0, *, steps: int = 2) -> dict[str, Any]:
    rest = {"epoch": number / steps, "learning_rate": 0.1, "grad_norm": 1.0, "tokens_per_s": 5.0}
    return {"event": "step", "step": number, "steps": steps, "loss": loss, **rest}


def gate(better: bool) -> dict[str, Any]:
    passed = {"passed_before": 0, "passed_after": 0, "prompts": 0}
    losses = {"loss_before": 2.0, "loss_after": 1.0 if better else 3.0}
    return {"event": "gate", **losses, **passed, "better": better, "reason": "the held-out loss"}


def trained(adapter: Path, *, better: bool = True) -> list[dict[str, Any]]:
    """A whole training whose result is `adapter`."""
    done = {"event": "done", "adapter": "adapter.gguf", "merged": "", "card": "card.json"}
    results = [{"copy": [str(adapter), "adapter.gguf"]}, {"write": ["card.json", '{"base": "b"}']}]
    losses = [{"event": "eval", "step": 0, "loss": 2.0}, step(1), step(2, 0.5)]
    return [DATA, PLAN, *losses, {"event": "eval", "step": 2, "loss": 1.0}, *results, gate(better), done]


class _Tuner:
    def __init__(self, spec: dict[str, Any]) -> None:
        self.folder = Path(spec["folder"])
        self.mode = spec.get("mode", "train")
        self.steps = json.loads(Path(spec["data"][0]).read_text())
        self.checkpoint = self.folder / "checkpoints"
        signal.signal(signal.SIGTERM, self._stop)

    def run(self) -> int:
        if self.checkpoint.exists():
            self.say({"event": "note", "text": "resumed"})
        for step in self.steps:
            if self.mode != "train" and step.get("event") not in ("data", "plan", "failed"):
                return 0
            if "exit" in step:
                return int(step["exit"])
            self._do(step)
        return 0

    def _do(self, step: dict[str, Any]) -> None:
        if "wait" in step:
            if not self.checkpoint.exists():  # a job that goes on does not wait again
                time.sleep(step["wait"])
        elif "copy" in step:
            source, target = step["copy"]
            shutil.copyfile(source, self.folder / target)
        elif "write" in step:
            name, text = step["write"]
            (self.folder / name).write_text(text)
        elif "stderr" in step:
            print(step["stderr"], file=sys.stderr, flush=True)
        else:
            self.say(step)

    def say(self, event: dict[str, Any]) -> None:
        line = json.dumps({"t": time.time(), **event}).encode() + b"\n"
        # In one call each: the signal may come between any two.
        with (self.folder / "events.jsonl").open("ab", buffering=0) as file:
            file.write(line)
        os.write(1, line)

    def _stop(self, number: int, frame: object) -> None:
        self.checkpoint.mkdir(exist_ok=True)
        self.say({"event": "checkpoint", "step": 1})
        os._exit(0)


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    found = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    os._exit(_Tuner(found).run())
