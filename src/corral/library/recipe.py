"""A model in the making: its layers so far, what its config will say, and the steps to report.

Source: store.md section 3 (order of layers, config), modelfile.md section 6 (steps 6 to 8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from corral.core import manifest as media
from corral.core.adapters import read_adapter
from corral.core.digests import Digest
from corral.core.manifest import Draft, Layer, Manifest, ModelConfig
from corral.core.messages import Message
from corral.core.options import check_option
from corral.core.units import human_number
from corral.errors import InvalidInput, StorageError, TemplateError
from corral.gguf import GGUF
from corral.library.pins import Hold
from corral.library.stored import decode_parameters, encode_messages, encode_parameters
from corral.store import Store
from corral.template import Template


@dataclass(frozen=True, slots=True)
class Part:
    """A layer, the header of its GGUF where it is one, and the step that made it."""

    layer: Layer
    status: str
    header: GGUF | None = None
    imported: bool = False


@dataclass(slots=True)
class Recipe:
    """Collects layers in the order of the manifest. Writes blobs: keep its methods off the event loop."""

    store: Store
    hold: Hold
    parts: list[Part] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)

    def reuse(
        self, layer: Layer, *, origin: str = "", header: GGUF | None = None, imported: bool = False
    ) -> None:
        """Add a layer whose blob is in the store."""
        digest = Digest.parse(layer.digest)
        self.hold.add([str(digest)])
        with suppress(StorageError):  # a blob of another user: younger would be better, older does no harm
            self.store.blobs.touch(digest)
        kept = Layer(layer.media_type, str(digest), layer.size, origin, layer.name)
        self.parts.append(Part(kept, f"using existing layer {digest}", header, imported))

    def add(self, media_type: str, data: bytes, *, status: str = "") -> Layer:
        """Add a layer made of `data`."""
        digest = Digest.of(data)
        self.hold.add([str(digest)])
        known = self.store.blobs.has(digest)
        self.store.blobs.add_bytes(data)
        layer = Layer(media_type, str(digest), len(data))
        step = f"{'using existing' if known else 'creating new'} layer {digest}"
        self.parts.append(Part(layer, status or step))
        return layer

    def drop(self, *media_types: str) -> None:
        self.parts = [part for part in self.parts if part.layer.media_type not in media_types]

    def headers(self, media_type: str) -> list[GGUF]:
        return [part.header for part in self.parts if part.layer.media_type == media_type and part.header]

    def name_adapters(self, name: str, first: int) -> None:
        """Name the adapters among the parts from `first` on. Raises InvalidInput for one of another model."""
        models = self.headers(media.MEDIA_MODEL)
        base = models[0].architecture if models else ""
        for index, part in enumerate(self.parts[first:], first):
            theirs = part.header.architecture if part.header else base
            if base and theirs != base:
                raise InvalidInput(f'adapter "{name}" is for {theirs}, the model is {base}')
            self.parts[index] = replace(part, layer=msgspec.structs.replace(part.layer, name=name))

    def set_template(self, text: str) -> None:
        """Raises InvalidInput when the template does not parse."""
        if not text:
            return
        try:
            Template.parse(text)
        except TemplateError as error:
            raise InvalidInput(f"template error: {error.message}") from error
        self.drop(media.MEDIA_TEMPLATE, media.MEDIA_PROMPT)
        self.add(media.MEDIA_TEMPLATE, text.encode("utf-8", "replace"))

    def set_system(self, text: str) -> None:
        if text:
            self.drop(media.MEDIA_SYSTEM)
            self.add(media.MEDIA_SYSTEM, text.encode("utf-8", "replace"))

    def add_licenses(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.add(media.MEDIA_LICENSE, text.encode("utf-8", "replace"))

    def set_parameters(self, parameters: Mapping[str, object], defaults: Mapping[str, object]) -> None:
        """Merge into one layer: `defaults`, what the base has, and `parameters`, which win."""
        merged = dict(defaults)
        for part in self.parts:
            if part.layer.media_type == media.MEDIA_PARAMS:
                merged |= decode_parameters(self.store.blobs.read(Digest.parse(part.layer.digest)))
        merged |= parameters
        if isinstance(merged.get("adapters"), list | dict):
            merged["adapters"] = self._placed(check_option("adapters", merged["adapters"]))
        self.drop(media.MEDIA_PARAMS)
        if merged:
            self.add(media.MEDIA_PARAMS, encode_parameters(merged))

    def _placed(self, wanted: object) -> list[str]:
        """Adapters by their place: their names are not part of a Modelfile that is printed."""
        assert isinstance(wanted, tuple)
        names = [part.layer.name for part in self.parts if part.layer.media_type == media.MEDIA_ADAPTER]
        found = [read_adapter(text, names) for text in wanted]
        return [f"{place + 1}={scale:g}" for place, scale in found]

    def add_parameters(self, parameters: Mapping[str, object]) -> None:
        """A params layer beside others; `set_parameters` makes one of all."""
        self.add(media.MEDIA_PARAMS, encode_parameters(parameters))

    def set_messages(self, messages: tuple[Message, ...]) -> None:
        if messages:
            self.drop(media.MEDIA_MESSAGES)
            self.add(media.MEDIA_MESSAGES, encode_messages(messages))

    def finish(self) -> Manifest:
        """The manifest; the config's blob is written. The step of the config is not reported."""
        config = self._config()
        data = config.encode()
        layers = tuple(part.layer for part in self.parts)
        layer = self.add(media.MEDIA_CONFIG, data)
        self.parts.pop()
        return Manifest(config=layer, layers=layers)

    def _config(self) -> ModelConfig:
        config = ModelConfig(**self.config)
        models = self.headers(media.MEDIA_MODEL)
        if models:
            config = _described(config, models)
        for header in self.headers(media.MEDIA_DRAFT):
            draft = Draft(model_format="gguf", architecture=header.architecture)
            config = msgspec.structs.replace(config, draft=draft)
        return config


def _described(config: ModelConfig, models: list[GGUF]) -> ModelConfig:
    """What the weights say, wherever the config does not say otherwise."""
    first = models[0]
    return msgspec.structs.replace(
        config,
        model_format=config.model_format or "gguf",
        model_family=config.model_family or first.architecture,
        model_families=tuple(header.architecture for header in models),
        model_type=config.model_type or human_number(first.parameter_count),
        file_type=config.file_type or first.file_type_name,
    )
