"""Which local files a Modelfile means. Source: modelfile.md section 5, cli.md 18."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from corral.errors import ModelfileError, StorageError
from corral.modelfile.commands import Modelfile
from corral.modelfile.sniff import BINARY, TEXT, ZIP, content_type

# Weights: the first row with a match is taken, of the right content type where one is given.
_WEIGHTS: tuple[tuple[tuple[str, ...], str | None], ...] = (
    (("model*.safetensors", "*/model*.safetensors"), None),
    (("consolidated*.safetensors",), None),
    (("adapter*.safetensors",), None),
    (("pytorch_model*.bin",), ZIP),
    (("consolidated*.pth",), ZIP),
    (("*.gguf",), BINARY),
    (("*.bin",), BINARY),
)
_CACHE_HINT = "\n\nUse --local-dir <dir> when downloading model to disable caching"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalParts:
    """What FROM, ADAPTER and DRAFT mean on this machine; files by the name that the server is told.

    `base` is the model name of a FROM that is no path, else None.
    """

    base: str | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    adapters: Mapping[str, Path] = field(default_factory=dict)
    drafts: Mapping[str, Path] = field(default_factory=dict)


def local_parts(modelfile: Modelfile, modelfile_dir: Path) -> LocalParts:
    """Resolve the paths of a Modelfile that lies in `modelfile_dir`.

    A FROM that is no existing path is a model name. Raises ModelfileError when an adapter or draft does
    not exist, or a folder has no model in it.
    """
    base, files = None, []
    local = {resolve_path(text, modelfile_dir) for text in modelfile.froms}
    for text in modelfile.froms:
        path = resolve_path(text, modelfile_dir)
        if text and _exists(path):
            files += collect_files(path)
        else:
            base = text
    for text in modelfile.drafts:
        path = resolve_path(text, modelfile_dir)
        if path in local and _exists(path):
            raise ModelfileError(f"DRAFT must not reference the same local path as FROM: {text}")
    return LocalParts(
        base=base,
        files=relative_names(files),
        adapters=relative_names(_all_files(modelfile.adapters, modelfile_dir)),
        drafts=relative_names(_all_files(modelfile.drafts, modelfile_dir)),
    )


def resolve_path(text: str, modelfile_dir: Path) -> Path:
    """The path that an argument names: absolute, below a home, or below the Modelfile's folder.

    Raises ModelfileError when `~user` names nobody.
    """
    if text.startswith("~"):
        user = text[1:].partition("/")[0]
        expanded = os.path.expanduser(text)  # noqa: PTH111  (pathlib's raises where this one keeps the text)
        if expanded.startswith("~"):
            raise ModelfileError(f"failed to find user '{user}': user: unknown user {user}")
        return Path(expanded)
    return modelfile_dir / text


def collect_files(path: Path) -> list[Path]:
    """The files that make up the model at `path`: the file itself, or the known ones in a folder.

    Raises ModelfileError when the folder holds no weights, when a text file is none, or when a link
    leads out of the folder; StorageError when something cannot be read.
    """
    if not path.is_dir():
        return [path]
    try:
        weights = _find_weights(path)
        if not weights:
            raise ModelfileError("no Modelfile or safetensors files found")
        found = [*weights, *_find_texts(path), *_find_tokenizer(path)]
        inside = path.resolve(strict=True)
        for file in found:
            _check_inside(file, inside)
    except OSError as error:
        raise StorageError(f"open {error.filename}: {(error.strerror or str(error)).lower()}") from error
    return list(dict.fromkeys(found))


def relative_names(files: list[Path]) -> dict[str, Path]:
    """Files by their path below the deepest folder they share, with `/`; a single one by its name."""
    absolute = {Path(os.path.abspath(file)): file for file in files}  # noqa: PTH100  (links keep their names)
    if not absolute:
        return {}
    shared = os.path.commonpath([path.parent for path in absolute])
    return {path.relative_to(shared).as_posix(): file for path, file in absolute.items()}


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  (pathlib's raises for a name that is too long)


def _all_files(texts: tuple[str, ...], modelfile_dir: Path) -> list[Path]:
    files = []
    for text in texts:
        path = resolve_path(text, modelfile_dir)
        if not _exists(path):
            raise ModelfileError(f"stat {path}: no such file or directory")
        files += collect_files(path)
    return files


def _find_weights(folder: Path) -> list[Path]:
    for patterns, kind in _WEIGHTS:
        files = _matches(folder, *patterns)
        if files and (kind is None or all(content_type(file) == kind for file in files)):
            return files
    return []


def _find_texts(folder: Path) -> list[Path]:
    files = _matches(folder, "*.json", "*/*.json", "chat_template.jinja")
    for file in files:
        actual = content_type(file)
        if actual != TEXT:
            raise ModelfileError(f"invalid content type: expected {actual} for {file}")
    return files


def _find_tokenizer(folder: Path) -> list[Path]:
    for pattern in ("tokenizer.model", "*/tokenizer.model"):
        files = [file for file in _matches(folder, pattern) if content_type(file) == BINARY]
        if files:
            return files
    return []


def _matches(folder: Path, *patterns: str) -> list[Path]:
    return [file for pattern in patterns for file in sorted(folder.glob(pattern)) if not file.is_dir()]


def _check_inside(file: Path, folder: Path) -> None:
    target = file.resolve(strict=True)
    if not target.is_relative_to(folder):
        outside = os.path.relpath(target, folder)
        raise ModelfileError(f"insecure path: {outside}" + (_CACHE_HINT if ".cache" in outside else ""))
