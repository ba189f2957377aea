"""A Modelfile looked through while it is written: what is wrong in which line, and what it would make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from corral.core.names import ModelName, parse_reference
from corral.core.options import DEPRECATED_OPTIONS
from corral.errors import CorralError, InvalidInput, ModelfileError, TemplateError
from corral.modelfile import Command, Modelfile, create_fields, parse, parse_parameter
from corral.template import Template

# What can only be a file, even if nobody has uploaded it.
_FILE_ENDS = (".gguf", ".safetensors", ".bin", ".pth")
_FILE_STARTS = (".", "/", "~")
_FIELDS = {"from": "files", "adapter": "adapters", "draft": "draft_files"}
_EVERYTHING = (".", "./")
# The line as the reference counts it, which its messages begin with.
_LINE = re.compile(r"^\(line \d+\): ")


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` counts from 1; 0 where it is none in particular."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Draft:
    """`request`: the fields of a create request but for the name; empty where there are `problems`.

    `missing_base`: the model it builds on is not here, so it would be pulled first.
    """

    request: dict[str, object] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    missing_base: str = ""


def check_modelfile(text: str, files: Mapping[str, str], is_here: Callable[[ModelName], bool]) -> Draft:
    """`files`: the digests of uploaded files, by name. Never raises for what the text says."""
    try:
        modelfile = parse(text.replace("\r\n", "\n"))
    except ModelfileError as error:
        return Draft(problems=(Problem(error.line or 0, _LINE.sub("", error.message)),))
    problems = list(_problems(modelfile))
    request: dict[str, object] = {}
    for command in modelfile.commands:
        if command.name in _FIELDS:
            try:
                _add_source(request, command, files)
            except InvalidInput as error:
                problems.append(Problem(command.line, error.message))
    if problems:
        return Draft(problems=tuple(sorted(problems, key=lambda problem: problem.line)))
    base = request.get("from")
    missing = isinstance(base, str) and not is_here(ModelName.parse(parse_reference(base).text))
    return Draft(
        request | create_fields(modelfile),
        notes=modelfile.parameters.warnings,
        missing_base=str(base) if missing else "",
    )


def _problems(modelfile: Modelfile) -> Iterator[Problem]:
    for command in modelfile.commands:
        try:
            _check(command)
        except TemplateError as error:
            yield Problem(command.line + (error.line or 1) - 1, error.message)
        except CorralError as error:
            yield Problem(command.line, error.message)


def _check(command: Command) -> None:
    """Raises InvalidOption, TemplateError, ModelfileError."""
    if command.name == "parameter" and command.key not in DEPRECATED_OPTIONS:
        parse_parameter(command.key, [command.args])
    elif command.name == "template":
        Template.parse(command.args)
    elif command.name == "requires":
        _ = Modelfile((command,)).requires


def _add_source(request: dict[str, object], command: Command, files: Mapping[str, str]) -> None:
    """Raises InvalidInput for a file that was not uploaded, InvalidName for what is no name either."""
    text = command.args
    named = _named(text, files)
    if named:
        present = request.setdefault(_FIELDS[command.name], {})
        assert isinstance(present, dict)
        present |= named
    elif text.startswith(_FILE_STARTS) or text.lower().endswith(_FILE_ENDS) or command.name != "from":
        raise InvalidInput(f'there is no uploaded file "{text}"')
    else:
        ModelName.parse(parse_reference(text).text)
        request["from"] = text


def _named(text: str, files: Mapping[str, str]) -> dict[str, str]:
    if text in _EVERYTHING:
        return dict(files)
    name = text.removeprefix("./")
    return {name: files[name]} if name in files else {}
