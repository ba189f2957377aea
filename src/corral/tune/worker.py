"""The child process of a job. Only below `train`, which it imports late, are torch and its kin.

Reads one JSON line, a `Spec`, from stdin; says one JSON line for each `Event` on stdout and writes the same
to `events.jsonl` in the job's folder, at last `Done` or `Failed`. At SIGTERM it saves a checkpoint, says so,
and ends without either; started again in the same folder it goes on from there, as after `kill -9`. Ends when
stdin reaches its end, so it never outlives its parent.
"""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import msgspec
import psutil

from corral.core.model import Model
from corral.engine import begin
from corral.errors import CorralError, NotEnoughMemory, StorageError, Unsupported
from corral.gguf import read_gguf
from corral.library import Library
from corral.native import program_in_use
from corral.store import Store
from corral.tune.data import Prepared, prepare
from corral.tune.events import DataRead, Done, Failed, Note
from corral.tune.plan import Settings, for_modes, settle
from corral.tune.reasoning import reasoning
from corral.tune.say import Say
from corral.tune.spec import Spec
from corral.tune.stopping import Stopping

_NICENESS = 10  # a model that somebody talks to meanwhile goes first
# No look into the network, no bars, no telemetry: what is missing is missing.
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "BITSANDBYTES_NOWELCOME": "1",
}


def main() -> None:
    out, line = begin(_NICENESS)
    os.environ.update(_QUIET)
    spec = msgspec.json.decode(line, type=Spec)
    say, stopping = Say(Path(spec.folder), out), Stopping()
    failed = _try(spec, say, stopping)
    if failed is not None:
        say(failed)
    sys.stdout.flush()
    os._exit(1 if failed is not None else 0)


def _try(spec: Spec, say: Say, stopping: Stopping) -> Failed | None:
    try:
        _work(spec, say, stopping)
    except SystemExit:
        say(Note(text="stopped before training began"))
    except MemoryError:
        return _failed(NotEnoughMemory("memory ran out", hint="use a smaller micro_batch_size or max_length"))
    except OSError as error:
        return _failed(StorageError((error.strerror or str(error)).lower()))
    except CorralError as error:
        return _failed(error)
    except Exception as error:  # what nobody has thought of is for the log, and its last line for the user
        traceback.print_exc()
        return Failed(kind="CreateError", message=f"training failed: {type(error).__name__}: {error}")
    return None


def _failed(error: CorralError) -> Failed:
    return Failed(kind=type(error).__name__, message=error.message, hint=error.hint or "")


def _work(spec: Spec, say: Say, stopping: Stopping) -> None:
    library = Library(Store(Path(spec.models)), spec.settings)
    model = asyncio.run(library.resolve(spec.base))
    if model.weights is None:
        raise Unsupported(f'"{spec.base}" has no weights here: it cannot be tuned')
    header = read_gguf(model.weights, arrays=False)
    settings = settle(
        spec.options, spec.preset, width=header.embedding_length, context_length=header.context_length
    )
    data = asyncio.run(_prepared(spec, model, settings))
    say(DataRead(report=msgspec.to_builtins(data.report)))
    if spec.mode == "check":
        say(Done(adapter="", merged="", card=""))
        return
    _require_torch()
    settings = for_modes(settings, data.report.used, data.report.reasoned)
    from corral.tune.train.job import Job, run
    from corral.tune.train.trainer import Stopped

    try:
        run(Job(spec, model, settings, data, say, stopping, psutil.Process().create_time()))
    except Stopped:
        say(Note(text="stopped; the job can be resumed"))


async def _prepared(spec: Spec, model: Model, settings: Settings) -> Prepared:
    options: dict[str, Any] = {
        "max_length": settings.max_length,
        "eval_fraction": settings.eval_fraction,
        "seed": settings.seed,
        "llama_server": program_in_use(spec.settings),
    }
    if spec.mode == "check":  # nothing is written for a look at the data
        return await prepare(spec, model, **options)
    async with reasoning(model, spec.settings, Path(spec.folder), spec.num_threads) as reason:
        return await prepare(spec, model, **options, reason=reason)


def _require_torch() -> None:
    """Raises Unsupported when the packages that train are not installed."""
    try:
        # Imported late, as all of training: a check of the data needs none of it.
        import accelerate  # noqa: F401
        import gguf  # noqa: F401
        import peft  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise Unsupported(
            f"training needs packages that are not installed: {error}", hint="pip install 'corral[tune]'"
        ) from error


if __name__ == "__main__":
    main()
