"""The syntax tree of a template: values without behaviour, except that each can write itself down.

`position` is the offset in the template's text that error messages point at. `str(node)` is the normal
form that Go prints in error messages.
"""

from __future__ import annotations

from dataclasses import dataclass

from corral.template.literals import quote


@dataclass(frozen=True, slots=True)
class Dot:
    position: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil:
    position: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Constant:
    """A bool, number, character or string; `literal` is how the template spells it."""

    position: int
    literal: str
    value: bool | int | float | str

    def __str__(self) -> str:
        return self.literal


@dataclass(frozen=True, slots=True)
class Field:
    """`.A.B`: names looked up from dot."""

    position: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "." + ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x.A`: `names` are looked up in the value of `name`, which includes the dollar sign."""

    position: int
    name: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((self.name, *self.names))


@dataclass(frozen=True, slots=True)
class Function:
    """The name of a function, called with the operands that follow it in its command."""

    position: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Chain:
    """`(pipeline).A.B` or `function.A`: names looked up in the value of another operand."""

    position: int
    operand: Operand
    names: tuple[str, ...]

    def __str__(self) -> str:
        return _operand_text(self.operand) + "." + ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Command:
    """A value, or a function and its arguments."""

    position: int
    operands: tuple[Operand, ...]

    def __str__(self) -> str:
        return " ".join(map(_operand_text, self.operands))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|`; `variables` are declared, or assigned, its value."""

    position: int
    variables: tuple[str, ...]
    assigns: bool
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        text = " | ".join(map(str, self.commands))
        if not self.variables:
            return text
        return f"{', '.join(self.variables)} {'=' if self.assigns else ':='} {text}"


Operand = Dot | Nil | Constant | Field | Variable | Function | Chain | Pipeline


def _operand_text(operand: Operand) -> str:
    return f"({operand})" if isinstance(operand, Pipeline) else str(operand)


@dataclass(frozen=True, slots=True)
class Text:
    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """`{{ pipeline }}`: prints the value, unless the pipeline declares or assigns it."""

    position: int
    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class If:
    position: int
    pipeline: Pipeline
    body: Block
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class With:
    position: int
    pipeline: Pipeline
    body: Block
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class Range:
    position: int
    pipeline: Pipeline
    body: Block
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class Break:
    position: int


@dataclass(frozen=True, slots=True)
class Continue:
    position: int


@dataclass(frozen=True, slots=True)
class Invoke:
    """`{{ template "name" pipeline }}`, also what `{{ block }}` leaves behind."""

    position: int
    name: str
    pipeline: Pipeline | None

    def __str__(self) -> str:
        data = f" {self.pipeline}" if self.pipeline else ""
        return "{{template " + quote(self.name) + data + "}}"


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two control actions, in order."""

    position: int
    nodes: tuple[Node, ...]

    def is_empty(self) -> bool:
        return all(isinstance(node, Text) and not node.text.strip() for node in self.nodes)


Branch = If | With | Range
Node = Text | Action | Branch | Break | Continue | Invoke


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole template: the blocks of `{{ define }}` and `{{ block }}` by name; the root's name is ''."""

    text: str
    blocks: dict[str, Block]

    @property
    def root(self) -> Block:
        return self.blocks[""]
