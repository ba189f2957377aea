"""What can be said of a job before any work is done. Raises InvalidInput, NotFound, Unsupported."""

from __future__ import annotations

from importlib.util import find_spec

from msgspec.structs import replace

from corral.convert import FILE_TYPES, file_type_named
from corral.core.manifest import MEDIA_MODEL
from corral.core.model import Model
from corral.core.names import ModelName
from corral.errors import InvalidInput, InvalidOption, Unsupported
from corral.library import Library
from corral.tune.jobs.job import Wanted
from corral.tune.plan import settle
from corral.tune.spec import Options

_PACKAGES = ("torch", "transformers", "peft")


def check_wanted(wanted: Wanted) -> None:
    if not wanted.base.strip():
        raise InvalidInput("model is required: the name of the model to tune")
    if not wanted.data:
        raise InvalidInput("no examples: name at least one file with them")
    if wanted.quantize and not file_type_named(wanted.quantize):
        known = ", ".join(FILE_TYPES)
        raise InvalidInput(f"unknown quantization type {wanted.quantize}: use one of {known}")
    if wanted.quantize and not wanted.merge:
        raise InvalidInput(
            "quantize is for a full model: ask for merge too",
            hint="without it the result is an adapter on the base as it is",
        )


def check_installed() -> None:
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise Unsupported(
            f"fine-tuning needs packages that are not installed here: {', '.join(missing)}",
            hint="on the server's machine, run: pip install 'corral[tune]'",
        )


async def check_base(library: Library, wanted: Wanted) -> Model:
    """The model to tune, if it can be."""
    model = await library.resolve(wanted.base)
    if model.is_remote or model.weights is None:
        raise Unsupported(f"'{wanted.base}' has no weights on this machine")
    if model.network.is_embedding or model.network.is_reranker:
        raise Unsupported(f"'{wanted.base}' writes no text: only models that chat can be tuned")
    if model.adapters and "adapters" in model.parameters:
        raise Unsupported(
            f"'{wanted.base}' sets how strongly its adapters apply, which training cannot keep",
            hint="tune a model without PARAMETER adapters: its adapters count in full, and one more is added",
        )
    return model


def settled_options(wanted: Wanted, base: Model) -> Options:
    """The options of the job, its learning rate as a number where it was asked for as a multiple."""
    network = base.network
    lengths = {"width": network.embedding_length, "context_length": network.context_length}
    try:
        settings = settle(wanted.options, wanted.preset, **lengths)
    except InvalidOption as error:
        raise InvalidInput(error.message) from error
    if not wanted.learning_rate_multiplier:
        return wanted.options
    return replace(wanted.options, learning_rate=settings.learning_rate * wanted.learning_rate_multiplier)


def target_name(wanted: Wanted, base: Model) -> str:
    """The name of the model to make: as asked, else that of the base with an ending. Raises InvalidName."""
    if wanted.name.strip():
        return ModelName.parse(wanted.name.strip()).short
    return ModelName.parse(f"{base.name.model}-tuned").short


def weights_digest(model: Model) -> str:
    """The digest of the layer that the weights are."""
    found = [layer.digest for layer in model.manifest.layers if layer.media_type == MEDIA_MODEL]
    return found[-1]
