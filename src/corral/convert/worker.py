"""The child process that converts. With the engine's own child, the only one that loads native code.

Reads one JSON line, a `Job`, from stdin; writes the new file to stdout, and to stderr one JSON line for each
step, at last `Finished` or `Failed`. Ends when stdin reaches its end, so it never outlives its parent.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from corral.convert.job import Failed, Finished, Job, Step
from corral.engine import begin
from corral.errors import CorralError, InvalidInput, StorageError, Unsupported

_NICENESS = 5  # a model that somebody talks to meanwhile goes first
_MAX_MESSAGE = 1000


def main() -> None:
    out, line = begin(_NICENESS)
    step = _run(msgspec.json.decode(line, type=Job), out)
    _say(step)
    os._exit(1 if isinstance(step, Failed) else 0)


def _run(job: Job, out: int) -> Step:
    """Do the job; the last step."""
    try:
        with os.fdopen(out, "wb") as file:
            return _do(job, file)
    except (ImportError, AttributeError) as error:
        return Failed("unsupported", f"this engine cannot convert: {error}")
    except (OSError, StorageError) as error:
        return Failed("storage", (getattr(error, "strerror", None) or str(error)).lower())
    except CorralError as error:
        # A name in a hostile file can be as long as it likes; a line to the parent cannot.
        return Failed(_kind(error), error.message[:_MAX_MESSAGE])
    except Exception as error:  # files from anywhere hold what nobody has thought of
        traceback.print_exc()
        return Failed("corrupt", f"cannot be converted: {type(error).__name__}: {error}"[:_MAX_MESSAGE])


def _kind(error: CorralError) -> Literal["unsupported", "invalid", "corrupt"]:
    if isinstance(error, Unsupported):
        return "unsupported"
    return "invalid" if isinstance(error, InvalidInput) else "corrupt"


def _do(job: Job, out: BinaryIO) -> Finished:
    # Imported late: the job is read, and the parent's death noticed, before 25 MB of native code and numpy.
    from xllamacpp import xllamacpp as native

    from corral.convert.kernels import Kernels
    from corral.convert.work import do

    return do(job, Kernels(Path(native.__file__)), out, _say)


def _say(step: Step) -> None:
    os.write(2, msgspec.json.encode(step) + b"\n")


if __name__ == "__main__":
    main()
