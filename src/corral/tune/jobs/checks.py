"""What can be said of a job before any work is done. Raises InvalidInput, NotFound, Unsupported."""

from __future__ import annotations

from importlib.util import find_spec

from corral.convert import FILE_TYPES, file_type_named
from corral.core.manifest import MEDIA_MODEL
from corral.core.model import Model
from corral.core.names import ModelName
from corral.errors import InvalidInput, Unsupported
from corral.library import Library
from corral.tune.jobs.job import Wanted

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
    if model.adapters:
        raise Unsupported(
            f"'{wanted.base}' has an adapter already, and an adapter is trained on plain weights",
            hint="tune the model it was made of, or make a full model of it first: corral tune ... --merge",
        )
    return model


def target_name(wanted: Wanted, base: Model) -> str:
    """The name of the model to make: as asked, else that of the base with an ending. Raises InvalidName."""
    if wanted.name.strip():
        return ModelName.parse(wanted.name.strip()).short
    return ModelName.parse(f"{base.name.model}-tuned").short


def weights_digest(model: Model) -> str:
    """The digest of the layer that the weights are."""
    found = [layer.digest for layer in model.manifest.layers if layer.media_type == MEDIA_MODEL]
    return found[-1]
