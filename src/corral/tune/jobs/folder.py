"""The folder of a job: its inputs, `events.jsonl`, `log.txt`, checkpoints, and what was trained."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from corral.errors import CorruptData, StorageError
from corral.settings import Settings
from corral.tune.events import Event
from corral.tune.files import StoredFile
from corral.tune.jobs.job import Input, Job
from corral.tune.spec import Mode, Spec

EVENTS = "events.jsonl"
LOG = "log.txt"
REPORT = "report.html"
_SPEC = "spec.json"
_BASE = "base.json"  # the manifest of the base as it was when the job was made
_MAX_NAME = 80
_EVENT: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)

Inputs = Mapping[str, Sequence[StoredFile]]


class JobFolder:
    """Reads and writes files: keep it off the event loop. Raises StorageError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self, base_manifest: bytes, files: Inputs) -> tuple[Input, ...]:
        """Make the folder with the base's manifest and the inputs, which are linked or copied to it."""
        try:
            self.path.mkdir(mode=0o700, parents=True)
            (self.path / _BASE).write_bytes(base_manifest)
            given = [(role, *numbered) for role in files for numbered in enumerate(files[role])]
            return tuple(self._take(role, file, number) for role, number, file in given)
        except OSError as error:
            self.remove()
            raise StorageError(f"cannot make {self.path}: {_reason(error)}") from error

    def _take(self, role: str, file: StoredFile, number: int) -> Input:
        # Reports call it by its own name, whose end tells the form; others of that name are in other folders.
        name = re.sub(r"[^\w.-]+", "_", file.name)[-_MAX_NAME:].lstrip(".") or "file"
        path = Path(role) / str(number) / name
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file.path, target)
        except OSError:  # another file system, or one without links
            shutil.copyfile(file.path, target)
        return Input(role=role, id=file.id, name=file.name, path=str(path), size=file.size)  # type: ignore[arg-type]  # the caller's roles

    def base_manifest(self) -> bytes:
        return (self.path / _BASE).read_bytes()

    def write_spec(self, job: Job, settings: Settings, mode: Mode) -> Spec:
        """The child's line, which is also kept."""
        wanted = job.wanted
        inputs = {role: self._paths(job, role) for role in ("data", "validation", "prompts")}
        spec = Spec(
            folder=str(self.path),
            models=str(settings.models),
            home=str(settings.home),
            llama_server=str(settings.llama_server or ""),
            base=wanted.base,
            data=inputs["data"],
            validation=inputs["validation"],
            prompts=next(iter(inputs["prompts"]), ""),
            format=wanted.format,
            preset=wanted.preset,
            options=wanted.options,
            device=wanted.device,
            num_threads=wanted.num_threads,
            mode=mode,
            merge=wanted.merge,
            quantize=wanted.quantize,
        )
        (self.path / _SPEC).write_bytes(msgspec.json.encode(spec))
        return spec

    def _paths(self, job: Job, role: str) -> tuple[str, ...]:
        return tuple(str(self.path / file.path) for file in job.inputs if file.role == role)

    def mend_events(self) -> None:
        """Cut off a line that a child did not finish, so that the next one begins on its own."""
        with suppress(FileNotFoundError), (self.path / EVENTS).open("r+b") as file:
            data = file.read()
            file.truncate(data.rfind(b"\n") + 1)

    def lines(self, offset: int = 0) -> tuple[list[bytes], int]:
        """The whole lines of events from byte `offset` on, and where the next will begin."""
        try:
            with (self.path / EVENTS).open("rb") as file:
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return [], offset
        end = data.rfind(b"\n") + 1
        return data[:end].splitlines(), offset + end

    def events(self) -> Iterator[Event]:
        """All events so far; lines that are none are left out."""
        for line in self.lines()[0]:
            with suppress(msgspec.DecodeError):
                yield _EVENT.decode(line)

    def read(self, name: str) -> bytes:
        """A file below the folder. Raises CorruptData for a path that leads out of it, StorageError."""
        path = (self.path / name).resolve()
        if not path.is_relative_to(self.path.resolve()):
            raise CorruptData(f"a path leads out of the folder of the job: {name}")
        try:
            return path.read_bytes()
        except OSError as error:
            raise StorageError(f"cannot read {path}: {_reason(error)}") from error

    def empty(self) -> None:
        """Remove what only a job that goes on would need: inputs, checkpoints, weights. The record stays."""
        for path in self.path.iterdir() if self.path.is_dir() else ():
            if path.name not in (EVENTS, LOG, _SPEC, REPORT, "card.json"):
                _remove(path)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
