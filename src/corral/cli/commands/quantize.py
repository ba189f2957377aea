"""`quantize`: a model, or a file, with weights of another type."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from corral.cli.blobs import uploaded_parts
from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.progress import Display
from corral.cli.transfer import show_records
from corral.convert import (
    FILE_TYPES,
    UNQUANTIZED,
    Finished,
    Note,
    Steps,
    convert,
    file_type_named,
    quantize,
)
from corral.core.units import human_bytes
from corral.gguf import FILE_TYPE_NAMES, is_gguf, read_gguf
from corral.modelfile import collect_files, local_parts, parse, relative_names

_ENDING = ".gguf"
_BAR = "quantizing"


def run(call: Invocation) -> None:
    source, target, wanted = call.args
    file_type = file_type_named(wanted)
    if not file_type:
        known = ", ".join(FILE_TYPES)
        raise CommandError(f"unsupported quantization type {wanted.upper()} - supported types are {known}")
    with Display() as display:
        if target.endswith(_ENDING):
            _file(Path(source), Path(target), file_type, call.text("imatrix"), display)
        elif call.is_set("imatrix"):
            raise CommandError(f"--imatrix works for files: the target must end in {_ENDING}")
        else:
            _model(call, source, target, file_type, display)
    if target.endswith(_ENDING):
        print(f"wrote {target} ({human_bytes(Path(target).stat().st_size)}, {file_type})")


def _model(call: Invocation, source: str, target: str, file_type: str, display: Display) -> None:
    """The server makes a model of a model, or of files here."""
    parts = local_parts(parse(f"FROM {source}\n".encode()), Path())
    body = {"model": target, "quantize": file_type, **uploaded_parts(call.client(), parts, display)}
    show_records(call.client().stream("/api/create", body), display)


def _file(source: Path, target: Path, file_type: str, imatrix: str, display: Display) -> None:
    """Made here, without a server: first beside the target, then in its place."""
    if not source.exists():
        raise CommandError(f"{source} does not exist; to make a model of a model, name the new one")
    if target.exists() and source.samefile(target):
        raise CommandError("source and target are the same file")
    unfinished = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            show_records(_records(_steps(source, file, file_type, imatrix)), display)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _steps(source: Path, target: BinaryIO, file_type: str, imatrix: str) -> Steps:
    if not source.is_dir() and is_gguf(source):
        _check(source)
        return quantize(source, target, file_type, imatrix=Path(imatrix) if imatrix else None)
    if imatrix:
        raise CommandError("--imatrix needs a GGUF file: convert to F16 first")
    return convert(relative_names(collect_files(source)), target, file_type)


def _check(source: Path) -> None:
    """Raises CommandError for what would lose its quality, or a part of its weights."""
    header = read_gguf(source, arrays=False)
    if header.is_split:
        raise CommandError(f"{source} is one of {header.split_count} parts: make a model of them first")
    if FILE_TYPE_NAMES.get(-1 if header.file_type is None else header.file_type) not in UNQUANTIZED:
        raise CommandError("quantization is only supported for F16, BF16 and F32 models")


def _records(steps: Steps) -> Iterator[Mapping[str, Any]]:
    """The steps as the server would report them. Leaving early ends the work."""

    async def following() -> Any:
        return await anext(steps, None)

    with asyncio.Runner() as runner:
        try:
            while (step := runner.run(following())) is not None:
                if isinstance(step, Note):
                    yield {"status": step.text}
                elif not isinstance(step, Finished):
                    yield {"status": _BAR, "digest": _BAR, "total": step.total, "completed": step.completed}
        finally:
            runner.run(_close(steps))


async def _close(steps: Steps) -> None:
    await steps.aclose()
