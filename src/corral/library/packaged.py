"""The model that comes inside the package, put into the store like any other."""

from __future__ import annotations

from corral import pocket
from corral.core import manifest as media
from corral.core.manifest import Layer
from corral.core.names import ModelName
from corral.gguf import read_gguf
from corral.library.pins import Pins
from corral.library.recipe import Recipe
from corral.store import Store


def create_pocket(store: Store, name: ModelName, pins: Pins) -> None:
    """Create it as `name`, if the package has its weights. Raises StorageError, GGUFError."""
    path = pocket.weights()
    if path is None:
        return
    header = read_gguf(path, arrays=False)
    with pins.hold() as hold:
        recipe = Recipe(store, hold)
        # A copy, not a link: whatever happens to the installed package must not change the store.
        digest = store.blobs.add_bytes(path.read_bytes())
        recipe.reuse(Layer(media.MEDIA_MODEL, str(digest), header.size), header=header)
        recipe.add_licenses([pocket.LICENSE])
        recipe.set_parameters(pocket.PARAMETERS, {})
        store.manifests.write(name, recipe.finish().encode())
