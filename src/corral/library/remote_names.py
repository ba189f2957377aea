"""Names of models that live elsewhere. Source: registry.md section 1."""

from __future__ import annotations

from corral.core.names import ModelName, parse_reference
from corral.errors import InvalidInput, InvalidName


def pull_name(text: str) -> ModelName:
    """The name to pull; a name in the cloud is a name of the registry. Raises InvalidName."""
    try:
        reference = parse_reference(text)
        return stored_name(reference.text, cloud=reference.cloud)
    except InvalidInput as error:
        raise InvalidName("invalid model name") from error


def stored_name(base: str, *, cloud: bool) -> ModelName:
    """How a model in the cloud is called in a store: `m:20b-cloud`, or `m:cloud` without a tag."""
    name = ModelName.parse(base)
    if not cloud:
        return name
    has_tag = ":" in base.rpartition("/")[2]
    return ModelName(name.host, name.namespace, name.model, f"{name.tag}-cloud" if has_tag else "cloud")
