"""The rooms import only downwards; docs/architecture.md explains the levels."""

import ast
from pathlib import Path

import pytest

import corral

SOURCE = Path(corral.__file__).parent

# `pocket` and `web` hold data: the packaged model, and the files of the web UI.
LEVELS = {
    0: ("errors", "settings"),
    1: ("core",),
    2: (
        "gguf",
        "template",
        "modelfile",
        "store",
        "database",
        "registry",
        "hardware",
        "engine",
        "answer",
        "pocket",
        "web",
    ),
    3: ("prompt", "convert", "keys", "cache", "chats", "native"),
    4: ("scheduler", "library"),
    5: ("serving", "wire"),
    6: ("tune",),
    7: ("api", "openai", "anthropic", "monitor", "share"),
    8: ("server",),
    9: ("cli",),
}
LEVEL = {room: level for level, rooms in LEVELS.items() for room in rooms}

# Rooms that have a level but no folder yet.
NOT_BUILT = {room for room in LEVEL if not (SOURCE / room).is_dir() and not (SOURCE / f"{room}.py").is_file()}

FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def room_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_modules(path):
    """(line, module) of every import in a file, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            if node.module == "corral":
                yield from ((node.lineno, f"corral.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module


def imported_rooms(path):
    for line, module in imported_modules(path):
        parts = module.split(".")
        if parts[0] == "corral" and len(parts) > 1 and parts[1] != "__version__":
            yield line, parts[1]


def ids(path):
    return str(path.relative_to(SOURCE))


def test_every_room_has_a_level():
    assert {room_of(path) for path in FILES} <= LEVEL.keys()


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_imports_point_downwards(path):
    here = room_of(path)
    upwards = [
        f"{path.name}:{line} imports {there}"
        for line, there in imported_rooms(path)
        if there != here and LEVEL[there] >= LEVEL[here] and (LEVEL[here], LEVEL[there]) != (0, 0)
    ]
    assert upwards == []


def test_only_child_processes_import_native_code():
    """The engine's child, and the one that quantizes with the engine's kernels."""
    native = {
        ids(path)
        for path in FILES
        for _, module in imported_modules(path)
        if module.partition(".")[0] == "xllamacpp"
    }
    assert native == {"engine/worker.py", "convert/worker.py"}


def test_only_settings_reads_corral_variables():
    """Others take plain values; child processes get an environment that is made for them."""
    readers = {
        ids(path)
        for path in FILES
        if any(f"environ.get({quote}{name}" in path.read_text() for quote in "\"'" for name in PREFIXES)
    }
    assert readers == set()


PREFIXES = ("CORRAL_", "OLLAMA_")


def test_every_room_says_what_it_is():
    fronts = [path for path in SOURCE.glob("*/__init__.py") if room_of(path) in LEVEL]
    silent = [ids(path) for path in fronts if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_the_page_names_every_room():
    page = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [room for room in LEVEL if f"`{room}`" not in page and room not in NOT_BUILT] == []
