"""The engines that were built here, which of them is chosen, and which is in use.

Each is a folder of `CORRAL_HOME/engines` with the program and `engine.json`; it appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from corral import hardware
from corral.errors import InvalidInput, NotFound, StorageError
from corral.settings import Settings

log = logging.getLogger("corral.native")

PACKAGED = "packaged"
PROGRAM = "llama-server"
_RECORD = "engine.json"
_CHOSEN = "chosen"
_AMX = "AMX_INT8"


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a built engine. `cpu` are the features of the processor that it was built on.

    `features` and `devices` are what it says to use. `built_at` is in seconds since the epoch, `seconds` how
    long the build took.
    """

    name: str
    target: str
    source: str
    version: str
    compiler: str = ""
    options: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    built_at: float = 0.0
    seconds: float = 0.0

    @property
    def fits_here(self) -> bool:
        """Whether this processor has all that the compiler could use on the one it was built on."""
        here = hardware.cpu_features()
        return not self.cpu or not here or here.issuperset(self.cpu)


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine in use: a program, or None for the packaged one, and why. `fault`: why it is not another.

    `features` are what it uses of the processor, as far as that is known.
    """

    name: str
    program: Path | None
    why: str
    fault: str = ""
    features: tuple[str, ...] = ()


class Shelf:
    """The engines under a CORRAL_HOME; what is no engine there is not seen."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "engines"

    def engines(self) -> list[Engine]:
        """All that can be used, by name."""
        names = sorted(path.parent.name for path in self.folder.glob(f"[!.]*/{_RECORD}"))
        return [engine for name in names if (engine := self.find(name)) is not None]

    def find(self, name: str) -> Engine | None:
        try:
            engine = msgspec.json.decode((self._place(name) / _RECORD).read_bytes(), type=Engine)
        except (OSError, msgspec.DecodeError):
            return None
        return engine if os.access(self.program(name), os.X_OK) else None

    def get(self, name: str) -> Engine:
        """Raises NotFound."""
        engine = self.find(name)
        if engine is None:
            known = ", ".join([PACKAGED, *(engine.name for engine in self.engines())])
            raise NotFound(f"there is no engine '{name}'", hint=f"there are: {known}")
        return engine

    def program(self, name: str) -> Path:
        return self._place(name) / PROGRAM

    @property
    def chosen(self) -> str:
        """The name that `choose` was last called with; empty for the packaged engine."""
        try:
            return (self.folder / _CHOSEN).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def choose(self, name: str) -> None:
        """Use that engine from the next load on. Raises NotFound, StorageError."""
        if name == PACKAGED:
            (self.folder / _CHOSEN).unlink(missing_ok=True)
            return
        self.get(name)
        loose = self.folder / f".{_CHOSEN}.{os.getpid()}"
        try:
            loose.write_text(name + "\n", encoding="utf-8")
            loose.replace(self.folder / _CHOSEN)
        except OSError as error:
            raise StorageError(f"{self.folder} cannot be written: {error.strerror}") from error

    def remove(self, name: str) -> bool:
        """Remove an engine; models that it has loaded go on. Raises NotFound, StorageError.

        True: it was the chosen one, and the packaged one is now.
        """
        self.get(name)
        was_chosen = self.chosen == name
        if was_chosen:
            self.choose(PACKAGED)
        try:
            shutil.rmtree(self._place(name))
        except OSError as error:
            raise StorageError(f"{error.filename} cannot be removed: {error.strerror}") from error
        return was_chosen

    def add(self, engine: Engine, program: Path) -> None:
        """Take over a built program, in the place of an engine of the same name. Raises StorageError."""
        place = self._place(engine.name)
        loose, old = (place.with_name(f".{kind}-{place.name}") for kind in ("new", "old"))
        try:
            for folder in (loose, old):
                shutil.rmtree(folder, ignore_errors=True)
            loose.mkdir(parents=True)
            shutil.copy2(program, loose / PROGRAM)
            _flush(loose / PROGRAM)
            (loose / _RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(engine)))
            _flush(loose / _RECORD)
            with contextlib.suppress(FileNotFoundError):
                place.replace(old)
            loose.replace(place)
        except OSError as error:
            raise StorageError(f"{error.filename} cannot be written: {error.strerror}") from error
        finally:
            for folder in (loose, old):
                shutil.rmtree(folder, ignore_errors=True)

    def _place(self, name: str) -> Path:
        """Raises InvalidInput for what is no name: it would lead out of the folder."""
        if not name or name == PACKAGED or name.startswith(".") or Path(name).name != name:
            raise InvalidInput(f"'{name}' is no name of a built engine")
        return self.folder / name


def in_use(settings: Settings) -> Choice:
    """The engine that the next load gets: the one of the setting, the chosen one, else the packaged one."""
    if settings.llama_server is not None:
        return Choice("llama_server", settings.llama_server, "the setting llama_server names it")
    shelf = Shelf(settings.home)
    name = shelf.chosen
    if not name:
        return Choice(PACKAGED, None, "no other is chosen")
    try:
        engine = shelf.find(name)
    except InvalidInput:
        engine = None
    if engine is None:
        return Choice(PACKAGED, None, "the chosen one is not there", f"engine '{name}' is not there")
    if not engine.fits_here:
        fault = f"engine '{name}' was built for another processor"
        return Choice(PACKAGED, None, "the chosen one is for another processor", fault)
    return Choice(name, shelf.program(name), "it is chosen", features=engine.features)


def uses_amx(settings: Settings) -> bool:
    """Whether the engine in use lays weights out for AMX, which takes their size once more."""
    return _AMX in in_use(settings).features


def program_in_use(settings: Settings) -> Path | None:
    """The program to start, None for the packaged engine; where another was chosen, the log says so."""
    choice = in_use(settings)
    if choice.fault:
        log.warning("%s: the packaged engine is used; see 'corral engine list'", choice.fault)
    return choice.program


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
