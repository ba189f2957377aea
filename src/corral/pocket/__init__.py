"""The small model inside the package: where its weights lie, and what a store is told about it.

Data only. `library` puts it into the store the first time somebody asks for `pocket`; nothing is downloaded.
The recipe that trains it is in the repository, under recipes/pocket.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

__all__ = ["LICENSE", "NAME", "PARAMETERS", "weights"]

NAME = "pocket"
# A small model wanders off at the usual temperature.
PARAMETERS: Mapping[str, object] = {"temperature": 0.2}
LICENSE = """MIT License

Copyright (c) 2026 The Corral developers

The pocket model and the texts it was trained on were made from nothing by the recipe in the Corral
repository and may be used under the same terms as Corral itself.
"""


def weights() -> Path | None:
    """The weights file, None in a build that comes without it."""
    path = Path(str(files(__package__))) / "pocket.gguf"
    return path if path.is_file() else None
