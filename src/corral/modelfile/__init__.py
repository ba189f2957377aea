"""Modelfiles: text to values and back, and the local files they mean.

In: the text of a Modelfile, or what a stored model says. Out: `Modelfile` and typed parameters, or the
printed form. Called by `cli` (create, /set parameter) and `library` (show, drafts).
"""

from corral.modelfile.commands import Command, Modelfile
from corral.modelfile.fields import create_fields
from corral.modelfile.files import LocalParts, collect_files, local_parts, relative_names, resolve_path
from corral.modelfile.parameters import (
    Parameter,
    Parameters,
    format_parameter_value,
    parameters_text,
    parse_parameter,
    read_parameters,
)
from corral.modelfile.parser import parse
from corral.modelfile.printer import DEFAULT_TEMPLATE, Printable, format_modelfile

__all__ = [
    "DEFAULT_TEMPLATE",
    "Command",
    "LocalParts",
    "Modelfile",
    "Parameter",
    "Parameters",
    "Printable",
    "collect_files",
    "create_fields",
    "format_modelfile",
    "format_parameter_value",
    "local_parts",
    "parameters_text",
    "parse",
    "parse_parameter",
    "read_parameters",
    "relative_names",
    "resolve_path",
]
