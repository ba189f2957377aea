"""`create`: a model from a Modelfile. Source: cli.md section 18."""

from __future__ import annotations

from pathlib import Path

from corral.cli.blobs import uploaded_parts
from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.progress import Display
from corral.cli.transfer import print_records, show_records
from corral.core.names import ModelName
from corral.errors import InvalidName
from corral.modelfile import Modelfile, create_fields, local_parts, parse

_DEFAULT_FILE = "Modelfile"
_NO_FILE = "FROM ."


def run(call: Invocation) -> None:
    name = call.args[0]
    _check_name(name)
    if call.is_set("experimental"):
        raise CommandError("models of single tensors (--experimental) are not supported")
    path = Path(call.text("file") or _DEFAULT_FILE)
    modelfile = parse(_read(path, given=bool(call.text("file"))))
    if not modelfile.froms:
        raise CommandError("no FROM line")
    with Display() as display:
        display.spinner("gathering model components")
        body = _described(modelfile)
        body |= _quantization(call, modelfile)
        body |= uploaded_parts(call.client(), local_parts(modelfile, path.parent), display)
        records = call.client().stream("/api/create", {"model": name, **body})
        if call.is_set("json"):
            print_records(records)
        else:
            show_records(records, display)


def _check_name(name: str) -> None:
    try:
        ModelName.parse(name)
    except InvalidName as error:
        raise CommandError(f"invalid model name: {name}") from error


def _read(path: Path, *, given: bool) -> bytes:
    """The Modelfile; where none is named and none is there, the model files of this folder are meant."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if given:
            raise CommandError(f"the Modelfile '{path}' does not exist") from error
        return _NO_FILE.encode()


def _described(modelfile: Modelfile) -> dict[str, object]:
    """What the Modelfile says itself, as fields of the request. Prints warnings of its parameters."""
    for warning in modelfile.parameters.warnings:
        print(warning)
    return create_fields(modelfile)


def _quantization(call: Invocation, modelfile: Modelfile) -> dict[str, object]:
    wanted = {"quantize": call.text("quantize"), "draft_quantize": call.text("draft-quantize")}
    if wanted["draft_quantize"] and not modelfile.drafts:
        raise CommandError("--draft-quantize requires a DRAFT model")
    return {name: kind for name, kind in wanted.items() if kind}
