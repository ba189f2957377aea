"""The training card: what a tuned model was made of, how, and with what result."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from corral import __version__
from corral.core.model import Model
from corral.tune.data import Prepared
from corral.tune.events import Judged
from corral.tune.plan import Plan
from corral.tune.spec import Spec
from corral.tune.train.checkpoints import State
from corral.tune.train.machine import peak_bytes

_FORMAT = 1
_PACKAGES = ("torch", "transformers", "peft", "gguf", "bitsandbytes", "xllamacpp")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Largest relative differences of log-probabilities between torch and the engine: what rounding explains,
    of the base as it was read, of the base as it was computed with, of the tuned model.
    """

    limit: float
    base: float
    computed: float
    tuned: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """`trained` has the loss on trained examples before and after; `merged` is empty or a file's name."""

    state: State
    judged: Judged
    trained: tuple[float, float]
    agreement: Agreement
    merged: str


def write_card(path: Path, spec: Spec, model: Model, data: Prepared, plan: Plan, results: Results) -> None:
    """Written whole or not at all."""
    values = _values(spec, model, data, plan, results)
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(values), indent=2) + b"\n")
    new.replace(path)


def _values(spec: Spec, model: Model, data: Prepared, plan: Plan, results: Results) -> dict[str, Any]:
    state = results.state
    return {
        "format": _FORMAT,
        "created_at": time.time(),
        "base": _base(model),
        "data": _data(data),
        "preset": spec.preset,
        "options": plan.options(),
        "device": plan.machine.name,
        "steps": {"planned": plan.course.steps, "done": state.step, "best": state.best_step},
        "seconds": round(state.seconds, 1),
        "memory": {"planned_bytes": plan.memory.total, "peak_bytes": peak_bytes(plan.machine)},
        "curves": {"loss": state.losses, "held_out": state.held_out},
        "trained_loss": {"before": results.trained[0], "after": results.trained[1]},
        "gate": msgspec.to_builtins(results.judged),
        "agreement": asdict(results.agreement),
        "merged": {"quantize": spec.quantize} if results.merged else None,
        "versions": _versions(),
    }


def _base(model: Model) -> dict[str, Any]:
    """Which model, and under what terms: what is made of it stays under them."""
    weights = model.weights
    return {
        "name": model.name.short,
        "digest": f"sha256:{model.digest}",
        "weights": weights.name.replace("-", ":", 1) if weights else "",
        "adapters": [path.name.replace("-", ":", 1) for path in model.adapters],
        "architecture": model.network.architecture,
        "parameters": model.network.parameter_count,
        "licenses": list(model.licenses),
    }


def _data(data: Prepared) -> dict[str, Any]:
    report = data.report
    return {
        "digest": f"sha256:{data.digest}",
        # The card travels with the model: where the files lay is nobody's business.
        "files": [msgspec.to_builtins(file) | {"path": Path(file.path).name} for file in report.files],
        "rows": report.rows,
        "used": report.used,
        "train_rows": report.train_rows,
        "held_out_rows": report.held_out_rows,
        "tokens": report.tokens,
        "trained_tokens": report.trained_tokens,
    }


def _versions() -> dict[str, str]:
    found = {"corral": __version__, "python": sys.version.split()[0]}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
