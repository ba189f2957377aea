"""What a Modelfile says without looking at files, as fields of a create request."""

from __future__ import annotations

from corral.modelfile.commands import Modelfile


def create_fields(modelfile: Modelfile) -> dict[str, object]:
    """Fields by their names in the API; those with nothing in them are left out.

    Raises ModelfileError, InvalidOption.
    """
    fields = {
        "template": modelfile.template,
        "system": modelfile.system,
        "renderer": modelfile.renderer,
        "parser": modelfile.parser,
        "requires": modelfile.requires,
        "license": list(modelfile.licenses),
        "parameters": dict(modelfile.parameters.values),
        "messages": [{"role": role, "content": text} for role, text in modelfile.messages],
    }
    return {name: value for name, value in fields.items() if value}
