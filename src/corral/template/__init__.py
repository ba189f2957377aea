"""Prompt templates: Go's text/template language, as far as models use it, which is nearly all.

In come the text of a template and the values it shows; out come the rendered text, or a TemplateError with
line and column, and what the template reveals about its model (variables, thinking tags, tool tag). The
room also knows the named templates that go with well-known Jinja chat templates. It is called by `prompt`
(rendering), `library` (creating models, capabilities) and the dialects (a template sent with a request).
Texts and values go through untouched by any other room: only `corral.errors` is needed.
"""

from corral.template.detect import detect
from corral.template.encode import encode
from corral.template.jinja import jinja_has_thinking, jinja_has_tool_round_trip, jinja_has_tools
from corral.template.named import NAMED, NamedTemplate
from corral.template.state import Limits
from corral.template.template import Template
from corral.template.values import JSONList, JSONMap, OrderedMap, Struct, TypeList

__all__ = [
    "NAMED",
    "JSONList",
    "JSONMap",
    "Limits",
    "NamedTemplate",
    "OrderedMap",
    "Struct",
    "Template",
    "TypeList",
    "detect",
    "encode",
    "jinja_has_thinking",
    "jinja_has_tool_round_trip",
    "jinja_has_tools",
]
