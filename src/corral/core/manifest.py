"""Manifests and model configs: the JSON that makes a model of a set of blobs.

Source: store.md section 3, registry.md sections 5 and 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from corral.core import checked_json, gojson

MEDIA_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MEDIA_CONFIG = "application/vnd.docker.container.image.v1+json"
_PREFIX = "application/vnd.ollama.image."
MEDIA_MODEL = _PREFIX + "model"
MEDIA_PROJECTOR = _PREFIX + "projector"
MEDIA_ADAPTER = _PREFIX + "adapter"
MEDIA_DRAFT = _PREFIX + "draft"
MEDIA_TEMPLATE = _PREFIX + "template"
MEDIA_PROMPT = _PREFIX + "prompt"  # an old name for the template layer
MEDIA_SYSTEM = _PREFIX + "system"
MEDIA_PARAMS = _PREFIX + "params"
MEDIA_MESSAGES = _PREFIX + "messages"
MEDIA_LICENSE = _PREFIX + "license"
MEDIA_TENSOR = _PREFIX + "tensor"
MEDIA_JSON = _PREFIX + "json"
# Of our own: the published files that a model was made of. Other programs ignore layers they do not know.
MEDIA_SOURCE = "application/vnd.corral.source.v1+json"
# Likewise: how a model was fine-tuned, a JSON object.
MEDIA_CARD = "application/vnd.corral.tuning.v1+json"
# What some registries answer for one name and several machines: manifests of manifests.
MEDIA_INDEXES = frozenset(
    {
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json",
    }
)


class Layer(msgspec.Struct, frozen=True, rename={"media_type": "mediaType", "origin": "from"}):
    """An entry of a manifest. `origin` is the model or file that the layer came from."""

    media_type: str = ""
    digest: str = ""
    size: int = 0
    origin: str = ""
    name: str = ""

    def to_json(self) -> dict[str, object]:
        out: dict[str, object] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.origin:
            out["from"] = self.origin
        if self.name:
            out["name"] = self.name
        return out


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """The list of layers that makes a model, and its config."""

    schema_version: int = 2
    media_type: str = MEDIA_MANIFEST
    config: Layer = Layer()
    layers: tuple[Layer, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all layers and the config, as recorded."""
        return self.config.size + sum(layer.size for layer in self.layers)

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests of all layers, then of the config, as texts."""
        return tuple(layer.digest for layer in (*self.layers, self.config) if layer.digest)

    def encode(self) -> bytes:
        """The bytes of a manifest file made here: compact JSON and a newline."""
        body = {
            "schemaVersion": self.schema_version,
            "mediaType": self.media_type,
            "config": self.config.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
        }
        return gojson.encode(body) + b"\n"


class SourceFile(msgspec.Struct, frozen=True):
    """A published file that a model was made of."""

    name: str
    digest: str
    size: int


class Draft(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the config says of a draft model for speculative decoding."""

    model_format: str = ""
    architecture: str = ""
    tensor_prefix: str = ""
    config: str = ""


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The config blob of a model."""

    model_format: str = ""
    model_family: str = ""
    model_families: tuple[str, ...] | None = None
    model_type: str = ""
    file_type: str = ""
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    remote_host: str = ""
    remote_model: str = ""
    capabilities: tuple[str, ...] = ()
    context_length: int = 0
    embedding_length: int = 0
    base_name: str = ""
    draft: Draft | None = None
    architecture: str = "amd64"
    os: str = "linux"

    def encode(self) -> bytes:
        """The bytes of a config blob: keys in a fixed order, empty optional ones left out, a newline."""
        always = {"model_format", "model_family", "model_families", "model_type", "file_type"}
        always |= {"architecture", "os"}
        body: dict[str, Any] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value or name in always:
                body[name] = value
        return gojson.encode(body) + b"\n"


def decode_manifest(data: bytes) -> Manifest:
    """Raises CorruptData when the bytes are no manifest."""
    return checked_json.decode(data, Manifest, "manifest", strict=False)


def decode_config(data: bytes) -> ModelConfig:
    """Raises CorruptData when the bytes are no model config."""
    return checked_json.decode(data, ModelConfig, "model config")


def encode_source(files: Iterable[SourceFile]) -> bytes:
    """The content of a source layer."""
    return msgspec.json.encode(list(files))


def decode_source(data: bytes) -> list[SourceFile]:
    """Raises CorruptData when the bytes are no source layer."""
    return checked_json.decode(data, list[SourceFile], "source layer")
