"""The list of all models, and what a list tells of one. Source: http-api.md 5.6, store.md 12."""

from __future__ import annotations

from corral.core import manifest as media
from corral.core.model import Model
from corral.library.facts import Details, Listed
from corral.library.network import file_type_name
from corral.library.reading import layers_of


def details_of(model: Model) -> Details:
    """The details of `show`: the config's words, completed from the weights."""
    config, network = model.config, model.network
    quantization = config.file_type
    if quantization in ("", "unknown") and network.file_type:
        quantization = file_type_name(network)
    return Details(
        parent_model=next((layer.origin for layer in reversed(_weights(model))), ""),
        format=config.model_format,
        family=config.model_family,
        families=config.model_families,
        parameter_size=config.model_type,
        quantization_level=quantization,
    )


def listed(model: Model) -> Listed:
    """One entry of the list; unlike `show` it has the lengths, and F32 by its name."""
    base, network = details_of(model), model.network
    quantization = base.quantization_level
    if quantization in ("", "unknown") and model.weights is not None:
        quantization = file_type_name(network)
    details = Details(
        parent_model=base.parent_model,
        format=base.format,
        family=base.family,
        families=base.families,
        parameter_size=base.parameter_size,
        quantization_level=quantization,
        context_length=model.config.context_length or network.context_length,
        embedding_length=model.config.embedding_length or network.embedding_length,
    )
    return Listed(
        name=model.name.short,
        digest=model.digest,
        size=model.size,
        modified_at=model.modified_at,
        details=details,
        capabilities=model.capabilities,
        remote_model=model.config.remote_model,
        remote_host=model.config.remote_host,
    )


def newest_first(models: list[Model]) -> list[Listed]:
    """Sorted by the whole second of the last change; equal ones by name, so that the order is stable."""
    models.sort(key=lambda model: (-int(model.modified_at), model.name.short))
    return [listed(model) for model in models]


def _weights(model: Model) -> list[media.Layer]:
    return list(layers_of(model.manifest, media.MEDIA_MODEL))
