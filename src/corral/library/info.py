"""What the `info` of a create says about the config. Source: http-api.md 5.11."""

from __future__ import annotations

from collections.abc import Mapping

from corral.errors import CreateError, InvalidInput

# The client's name for a fact, and the config's.
_TEXTS = {
    "model_family": "model_family",
    "base_name": "base_name",
    "quantization_level": "file_type",
    "parameter_size": "model_type",
}
_LENGTHS = ("context_length", "embedding_length")


def config_changes(info: Mapping[str, object]) -> dict[str, object]:
    """Fields of the config that `info` sets; `capabilities` come on top of those that are there.

    Raises InvalidInput for a wrong type.
    """
    found: dict[str, object] = {}
    if info.get("capabilities") is not None:
        found["capabilities"] = _texts(info["capabilities"])
    for key, name in _TEXTS.items():
        value = info.get(key)
        if value is not None:
            if not isinstance(value, str):
                raise InvalidInput(f'info field "{key}" must be a string')
            found[name] = value
    for key in _LENGTHS:
        if info.get(key) is not None:
            found[key] = _length(key, info[key])
    return found


def licenses_of(value: object) -> tuple[str, ...]:
    """The texts of `license`, a string or a list of strings. Raises CreateError for anything else."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise CreateError("license must be a string or an array of strings")


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise InvalidInput('info field "capabilities" must be an array of strings')
    return tuple(value)


def _length(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInput(f'info field "{key}" must be a number')
    if value < 0 or int(value) != value:
        raise InvalidInput(f'info field "{key}" must be a non-negative integer')
    return int(value)
