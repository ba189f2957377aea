"""A model as its manifest describes it: every layer read into one `Model`. Source: store.md 2, 3, 6."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from corral.core import manifest as media
from corral.core.digests import Digest
from corral.core.manifest import Layer, Manifest, ModelConfig, decode_config
from corral.core.messages import Message
from corral.core.model import Model, Network
from corral.core.names import ModelName
from corral.errors import CorralError, GGUFError, StorageError
from corral.gguf import GGUF
from corral.library.network import Headers, network_of
from corral.library.stored import decode_messages, decode_parameters
from corral.prompt import capabilities, select_mode
from corral.settings import Settings
from corral.store import Store, StoredManifest

log = logging.getLogger("corral.library")

# Texts are read whole: a layer that calls itself a template and is larger than this is none.
MAX_TEXT = 32 * 1024**2

T = TypeVar("T")


class Reader:
    """Reads models out of a store. Every call reads files: keep it off the event loop."""

    def __init__(self, store: Store, settings: Settings, headers: Headers) -> None:
        self._store = store
        self._settings = settings
        self.headers = headers

    def read(self, name: ModelName, *, strict: bool = True) -> Model:
        """The model of exactly this name. Raises ModelNotFound, and what `model` raises."""
        return self.model(self._store.manifests.read(name), strict=strict)

    def config(self, manifest: Manifest) -> ModelConfig:
        """Raises CorruptData or StorageError."""
        return decode_config(self.bytes_of(manifest.config)) if manifest.config.digest else ModelConfig()

    def bytes_of(self, layer: Layer) -> bytes:
        """The content of a text layer. Raises BlobNotFound, CorruptData or StorageError."""
        return self._store.blobs.read(Digest.parse(layer.digest), limit=MAX_TEXT)

    def path_of(self, layer: Layer) -> Path:
        """Raises InvalidInput for a layer whose digest is none."""
        return self._store.blobs.path(Digest.parse(layer.digest))

    def parameters(self, manifest: Manifest) -> dict[str, object]:
        """The parameters of all params layers, later ones winning."""
        found: dict[str, object] = {}
        for layer in layers_of(manifest, media.MEDIA_PARAMS):
            found |= decode_parameters(self.bytes_of(layer))
        return found

    def header(self, path: Path | None, *, strict: bool) -> GGUF | None:
        """The header of a weights file; None where there is none or, unless `strict`, none can be read."""
        if path is None:
            return None
        try:
            return self.headers.read(path)
        except (GGUFError, StorageError) as error:
            if strict:
                raise
            log.warning("could not open model file: %s", error.message)
            return None

    def model(self, stored: StoredManifest, *, strict: bool = True) -> Model:
        """The model of a manifest.

        Raises CorruptData, BlobNotFound or StorageError for a layer that cannot be read and, if `strict`,
        GGUFError or StorageError for weights. Otherwise unreadable weights tell nothing about the model.
        """
        manifest = stored.manifest
        config = self.config(manifest)
        template = self._last_text(manifest, media.MEDIA_TEMPLATE, media.MEDIA_PROMPT)
        weights = self._last_path(manifest, media.MEDIA_MODEL)
        projectors = tuple(self.path_of(layer) for layer in layers_of(manifest, media.MEDIA_PROJECTOR))
        header = self.header(weights, strict=strict)
        network = network_of(header) if header else None
        chat_template = network.chat_template if network else ""
        selection = select_mode(config, template, chat_template, self._settings.go_template)
        found = [self.header(path, strict=False) for path in projectors]
        return Model(
            name=stored.name,
            digest=stored.digest,
            manifest=manifest,
            config=config,
            size=manifest.size,
            modified_at=stored.modified_at,
            weights=weights,
            adapters=tuple(self.path_of(layer) for layer in layers_of(manifest, media.MEDIA_ADAPTER)),
            adapter_names=tuple(layer.name for layer in layers_of(manifest, media.MEDIA_ADAPTER)),
            projectors=projectors,
            draft=self._last_path(manifest, media.MEDIA_DRAFT),
            template=template,
            system=self._last_text(manifest, media.MEDIA_SYSTEM) or "",
            licenses=tuple(self._text(layer) for layer in layers_of(manifest, media.MEDIA_LICENSE)),
            parameters=self.parameters(manifest),
            messages=self._messages(manifest),
            network=network or Network(),
            capabilities=capabilities(
                config, selection, template, network, [known.metadata for known in found if known]
            ),
            mode=selection.mode,
            selected_template=selection.text,
        )

    def _messages(self, manifest: Manifest) -> tuple[Message, ...]:
        last = _last(layers_of(manifest, media.MEDIA_MESSAGES))
        return decode_messages(self.bytes_of(last)) if last else ()

    def _text(self, layer: Layer) -> str:
        return self.bytes_of(layer).decode("utf-8", "replace")

    def _last_text(self, manifest: Manifest, *media_types: str) -> str | None:
        last = _last(layers_of(manifest, *media_types))
        return self._text(last) if last else None

    def _last_path(self, manifest: Manifest, media_type: str) -> Path | None:
        last = _last(layers_of(manifest, media_type))
        return self.path_of(last) if last else None


def layers_of(manifest: Manifest, *media_types: str) -> Iterator[Layer]:
    """The layers of these kinds, in manifest order."""
    return (layer for layer in manifest.layers if layer.media_type in media_types)


def or_nothing(read: Callable[[], T]) -> T | None:
    """What `read` gives; None, with a line in the log, where the store holds something unreadable."""
    try:
        return read()
    except CorralError as error:
        log.warning("left out: %s", error.message)
        return None


def _last(layers: Iterator[Layer]) -> Layer | None:
    return next(reversed(list(layers)), None)
