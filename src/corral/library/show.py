"""All about one model. Source: http-api.md 5.7, store.md 11, modelfile.md 8."""

from __future__ import annotations

import re
from collections.abc import Mapping

from corral.core.manifest import MEDIA_CARD
from corral.core.model import Model
from corral.gguf import GGUF, SkippedArray, Value, read_gguf
from corral.library.facts import Shown, TensorFact
from corral.library.listing import details_of
from corral.library.reading import Reader, layers_of, or_nothing
from corral.library.stored import decode_card
from corral.library.texts import plain_value
from corral.modelfile import DEFAULT_TEMPLATE, Printable, format_modelfile, parameters_text

_BLOCK = re.compile(r"blk\.(\d+)\.")
_HIDDEN = frozenset({"general.name", "tokenizer.chat_template"})


def show(
    reader: Reader,
    model: Model,
    *,
    system: str = "",
    options: Mapping[str, object] | None = None,
    verbose: bool = False,
) -> Shown:
    """Facts of `model`; `system` and `options` take the place of the stored ones, as far as 5.7 says.

    `verbose` gives the arrays of the metadata in full. Reads files. Raises StorageError, GGUFError only
    if `verbose`.
    """
    header = reader.header(model.weights, strict=False)
    if header and verbose and model.weights:
        header = read_gguf(model.weights)
    system = system or model.system
    return Shown(
        name=model.name.short,
        modelfile=_modelfile(model, system, dict(model.parameters) | dict(options or {})),
        template=model.selected_template or DEFAULT_TEMPLATE,
        details=details_of(model),
        modified_at=model.modified_at,
        license="\n".join(model.licenses),
        parameters=parameters_text(model.parameters),
        system=system,
        messages=model.messages,
        remote_model=model.config.remote_model,
        remote_host=model.config.remote_host,
        model_info=_model_info(header, verbose=verbose) if header else _stub_info(model),
        projector_info=_projector_info(reader, model),
        tensors=_tensors(header) if header else None,
        capabilities=model.capabilities,
        requires=model.config.requires,
        tuned=_card(reader, model),
    )


def _card(reader: Reader, model: Model) -> dict[str, object] | None:
    """The training card; one that cannot be read, as of a model from elsewhere, is none."""
    for layer in layers_of(model.manifest, MEDIA_CARD):
        return or_nothing(lambda layer=layer: decode_card(reader.bytes_of(layer)))  # type: ignore[misc]  # the loop's
    return None


def _modelfile(model: Model, system: str, parameters: Mapping[str, object]) -> str:
    in_blobs = model.config.model_format == "safetensors"
    return format_modelfile(
        Printable(
            short_name=model.name.short,
            weights=None if in_blobs else str(model.weights or ""),
            adapters=[str(path) for path in model.adapters],
            drafts=[str(model.draft)] if model.draft else [],
            projectors=[str(path) for path in model.projectors],
            template=model.template,
            system=system,
            renderer=model.config.renderer,
            parser=model.config.parser,
            parameters=parameters,
            licenses=model.licenses,
            messages=[(message.role, message.content) for message in model.messages],
        )
    )


def _model_info(header: GGUF, *, verbose: bool) -> dict[str, object]:
    found = _metadata(header, verbose=verbose) | {"general.parameter_count": header.parameter_count}
    return {key: found[key] for key in sorted(found) if key not in _HIDDEN}


def _metadata(header: GGUF, *, verbose: bool) -> dict[str, object]:
    return {key: _value(value, verbose=verbose) for key, value in sorted(header.metadata.items())}


def _value(value: Value, *, verbose: bool) -> object:
    """A value in JSON's terms; arrays that hold something are left out unless `verbose`."""
    if isinstance(value, SkippedArray) or (isinstance(value, list) and value and not verbose):
        return None
    return plain_value(value)


def _stub_info(model: Model) -> dict[str, object]:
    config = model.config
    if not model.is_remote or not config.model_family:
        return {}
    found: dict[str, object] = {"general.architecture": config.model_family}
    if config.base_name:
        found["general.basename"] = config.base_name
    if config.context_length:
        found[f"{config.model_family}.context_length"] = config.context_length
    if config.embedding_length:
        found[f"{config.model_family}.embedding_length"] = config.embedding_length
    return found


def _projector_info(reader: Reader, model: Model) -> dict[str, object] | None:
    header = reader.header(model.projectors[0], strict=False) if model.projectors else None
    return _metadata(header, verbose=False) if header else None


def _tensors(header: GGUF) -> tuple[TensorFact, ...]:
    """All tensors, in the order in which clients know them whatever tool wrote the file."""
    return tuple(
        TensorFact(name=tensor.name, type=tensor.type_name, shape=tensor.shape)
        for tensor in sorted(header.tensors, key=lambda tensor: _place(tensor.name))
    )


def _place(name: str) -> tuple[int, str]:
    """What belongs to no block first, then block by block; by name within each."""
    block = _BLOCK.match(name)
    return (int(block[1]) if block else -1), name
