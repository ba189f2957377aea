"""The store of models: can it be read and written, and is all there that its manifests name?"""

from __future__ import annotations

import os
from collections.abc import Iterator

from corral.cli.doctor.finding import Finding, ok, problem, warning
from corral.core.digests import Digest
from corral.core.manifest import Layer
from corral.core.names import ModelName
from corral.core.units import human_bytes
from corral.errors import BlobNotFound, CorralError
from corral.settings import Settings
from corral.store import Store


def look(settings: Settings) -> Iterator[Finding]:
    root = settings.models
    if not root.exists():
        yield ok("models", f"none yet; {root} is made with the first")
        return
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        fix = f"give yourself the right (chown -R $USER {root}), or set CORRAL_MODELS"
        yield problem("models", f"{root} cannot be read and written", fix)
        return
    store = Store(root)
    names = store.manifests.names()
    faults = [finding for name in names for finding in _model(store, name)]
    yield from faults
    yield ok("models", f"{len(names) - len(faults)} of {len(names)} in {root} are complete")
    yield from _partial(store)


def _model(store: Store, name: ModelName) -> Iterator[Finding]:
    """What is wrong with one model, if anything; a first fault is enough."""
    try:
        manifest = store.manifests.read(name).manifest
    except CorralError as error:
        fix = f"pull it again, or remove it with 'corral rm {name.short}'"
        yield problem("models", f"{name.short}: its manifest cannot be read: {error}", fix)
        return
    for layer in (*manifest.layers, manifest.config):
        fault = _fault(store, layer)
        if fault:
            yield problem(
                "models", f"{name.short}: {fault}", f"'corral pull {name.short}' fetches what is missing"
            )
            return


def _fault(store: Store, layer: Layer) -> str:
    if not layer.digest:
        return ""
    try:
        size = store.blobs.size(Digest.parse(layer.digest))
    except BlobNotFound:
        return f"{layer.digest[:19]} is missing"
    except CorralError as error:
        return str(error)
    return "" if size == layer.size else f"{layer.digest[:19]} has {size} bytes instead of {layer.size}"


def _partial(store: Store) -> Iterator[Finding]:
    """What downloads that did not end have left; the server removes it when it is old."""
    sizes = [path.stat().st_size for path in store.blobs.directory.glob("*-partial*") if path.is_file()]
    if sizes:
        text = f"{human_bytes(sum(sizes))} of downloads that have not ended"
        yield warning("models", text, "pull the same model again, and it goes on where it stopped")
