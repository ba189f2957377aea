"""A model of what a fine-tuning has made: its base, and an adapter on it or other weights in its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corral.core import manifest as media
from corral.core.manifest import Layer, Manifest, decode_manifest
from corral.core.names import ModelName
from corral.errors import BlobNotFound, NotFound
from corral.library.base import reuse_base
from corral.library.reading import Reader
from corral.library.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """`base` is the manifest of the base as it was trained on; `card` the JSON that tells how.

    Either `adapter` or `merged` is the GGUF file that was made.
    """

    name: str
    base: bytes
    base_name: str
    card: bytes
    adapter: Path | None = None
    merged: Path | None = None


def tuned_manifest(reader: Reader, recipe: Recipe, tuned: Tuned) -> Manifest:
    """The manifest of the new model; blobs are written. Raises NotFound without the base, CorralError."""
    try:
        reuse_base(reader, decode_manifest(tuned.base), tuned.base_name, recipe)
    except BlobNotFound as error:
        raise NotFound(
            f"the base '{tuned.base_name}' is no longer in the store as it was trained on",
            hint=f"pull it again, then: corral tune publish (the missing file is {error.digest})",
        ) from error
    recipe.drop(media.MEDIA_CARD, media.MEDIA_SOURCE)
    if tuned.merged is not None:
        recipe.drop(media.MEDIA_MODEL, media.MEDIA_ADAPTER)
        recipe.config.pop("file_type", None)
        _add_file(reader, recipe, media.MEDIA_MODEL, tuned.merged)
        # Clients look for the weights first.
        recipe.parts.insert(0, recipe.parts.pop())
    if tuned.adapter is not None:
        first = len(recipe.parts)
        _add_file(reader, recipe, media.MEDIA_ADAPTER, tuned.adapter)
        recipe.name_adapters(ModelName.parse(tuned.name).model, first)
    recipe.add(media.MEDIA_CARD, tuned.card)
    return recipe.finish()


def _add_file(reader: Reader, recipe: Recipe, media_type: str, path: Path) -> None:
    digest = recipe.store.blobs.import_file(path)
    header = reader.headers.read(recipe.store.blobs.path(digest))
    size = recipe.store.blobs.size(digest)
    recipe.reuse(Layer(media_type, str(digest), size), header=header, imported=True)
