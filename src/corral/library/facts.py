"""What the library is asked for and what it tells: plain values, one for each use case.

The dialects turn them into wire shapes and back. Source: http-api.md 3.5, 5.6, 5.7, 5.11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from corral.core.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """The kind of a model. `families` is None when unknown; a length of 0 is unknown too."""

    parent_model: str = ""
    format: str = ""
    family: str = ""
    families: tuple[str, ...] | None = None
    parameter_size: str = ""
    quantization_level: str = ""
    context_length: int = 0
    embedding_length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A model in a list. `name` is the short form, `modified_at` seconds since 1970, `size` in bytes.

    `digest` is 64 hex digits without a prefix.
    """

    name: str
    digest: str
    size: int
    modified_at: float
    details: Details
    capabilities: tuple[str, ...] = ()
    remote_model: str = ""
    remote_host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFact:
    """A tensor of the weights: name, type as text (`Q4_K`), shape with the fastest dimension first."""

    name: str
    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All about one model. Empty texts are absent facts; `tensors` and `projector_info` may be None.

    `model_info` holds the metadata of the weights in JSON's types, sorted by key; `tensors` come block by
    block. `tuned` is the training card of a model that was fine-tuned here or elsewhere.
    """

    name: str
    modelfile: str
    template: str
    details: Details
    modified_at: float
    license: str = ""
    parameters: str = ""
    system: str = ""
    messages: tuple[Message, ...] = ()
    remote_model: str = ""
    remote_host: str = ""
    model_info: Mapping[str, object] = field(default_factory=dict)
    projector_info: Mapping[str, object] | None = None
    tensors: tuple[TensorFact, ...] | None = None
    capabilities: tuple[str, ...] = ()
    requires: str = ""
    tuned: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """A model to make. Maps go from file name to digest; None means that the client sent none.

    `source` is the request's `from`. `license` and `info` are the client's JSON, checked here.
    """

    model: str
    source: str = ""
    files: Mapping[str, str] | None = None
    draft_files: Mapping[str, str] | None = None
    adapters: Mapping[str, str] | None = None
    template: str = ""
    system: str = ""
    license: object = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    quantize: str = ""
    draft_quantize: str = ""
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    remote_host: str = ""
    info: Mapping[str, object] | None = None
