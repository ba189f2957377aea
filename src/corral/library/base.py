"""A model made of another one: its layers taken over, its manifest written."""

from __future__ import annotations

from corral.core import manifest as media
from corral.core.manifest import Manifest
from corral.core.names import ModelName
from corral.library.pins import Pins, remove_unused
from corral.library.reading import Reader, or_nothing
from corral.library.recipe import Recipe
from corral.store import Store


def reuse_base(reader: Reader, manifest: Manifest, origin: str, recipe: Recipe) -> None:
    """Fill the recipe with all layers of a model, and with what its config says. Reads files.

    Raises CorruptData, BlobNotFound, StorageError, GGUFError.
    """
    config = reader.config(manifest)
    for layer in manifest.layers:
        is_weights = layer.media_type in (media.MEDIA_MODEL, media.MEDIA_DRAFT)
        header = reader.header(reader.path_of(layer), strict=True) if is_weights else None
        recipe.reuse(layer, origin=origin, header=header)
    inherited = ["renderer", "parser", "requires", "model_format", "capabilities"]
    if config.remote_host or config.remote_model:
        inherited += ["remote_host", "remote_model", "model_family", "model_families", "model_type"]
        inherited += ["file_type", "context_length", "embedding_length", "base_name"]
    recipe.config |= {key: getattr(config, key) for key in inherited if getattr(config, key)}
    models = recipe.headers(media.MEDIA_MODEL)
    if models and models[0].file_type_name == "unknown" and config.file_type:
        # Published configs know types that the file's own number cannot express, such as MXFP4.
        recipe.config["file_type"] = config.file_type


def write_model(store: Store, name: ModelName, manifest: Manifest, pins: Pins | None) -> None:
    """Write the manifest; with `pins`, remove what only the model that it replaces needed."""
    manifests = store.manifests
    old = or_nothing(lambda: manifests.read(name).manifest) if manifests.has(name) else None
    manifests.write(name, manifest.encode())
    if old and pins is not None:
        remove_unused(store, set(old.digests) - set(manifest.digests), pins)
