"""A template as the other rooms use it: parsed once, executed often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from corral.errors import TemplateError
from corral.template import inspect, nodes
from corral.template.functions import FUNCTIONS
from corral.template.parser import parse
from corral.template.runtime import Program
from corral.template.state import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A parsed template; immutable, safe to share between threads.

    `variables` are the names it uses, in lower case (modelfile specification, section 13).
    """

    text: str
    variables: frozenset[str]
    _tree: nodes.Tree = field(repr=False)
    _program: Program = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Template:
        """Parse a template; one that mentions neither messages nor response ends with the response.

        Raises TemplateError, with line and column where the fault has a place.
        """
        try:
            tree = parse(text, FUNCTIONS.keys())
            names = inspect.variables(tree)
            if not names & {"messages", "response"}:
                tree = inspect.with_response(tree)
                names |= {"response"}
            return cls(text, names, tree, Program(tree))
        except RecursionError:
            raise TemplateError("template: nested too deeply") from None

    def execute(self, data: Mapping[str, object], *, limits: Limits = DEFAULT_LIMITS) -> str:
        """Render with `data` as root; an unknown key of it prints `<no value>` and is false.

        What the values may be says `corral.template.values`. The result is always valid Unicode.
        Raises TemplateError, and nothing else, for an error of the template or a limit reached.
        """
        return self._program.run(data, limits)

    def cut_response(self) -> Template:
        """The template up to and with its first output of `.Response`; the whole one if it has none."""
        tree = inspect.cut_response(self._tree)
        return Template(self.text, self.variables, tree, Program(tree))

    def thinking_tags(self) -> tuple[str, str] | None:
        """Opening and closing tag of thinking, or None when the template reveals none."""
        return inspect.thinking_tags(self._tree)

    def tool_tag(self) -> str:
        """The text that opens tool calls in the model's output; `{` when the template does not say."""
        return inspect.tool_tag(self._tree)

    def has_tool_round_trip(self) -> bool:
        """Whether tools, tool calls and their results are all shown to the model."""
        return inspect.has_tool_round_trip(self._tree)
