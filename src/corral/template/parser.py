"""Tokens -> syntax tree, with Go's messages for what is wrong.

Messages have the form `template: :LINE: what`, because the reference names its templates "".
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import NoReturn

from corral.errors import TemplateError
from corral.template import nodes
from corral.template.lexer import Kind, Token, lex
from corral.template.literals import parse_number, quote, unquote, unquote_character

# Real templates nest about ten deep; the bound keeps recursion far from Python's own.
MAX_NESTING = 100

_OPERANDS = frozenset(
    {
        Kind.BOOL,
        Kind.CHARACTER,
        Kind.DOT,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.NIL,
        Kind.RAW_STRING,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.OPEN,
    }
)


_BRANCHES: Mapping[Kind, type[nodes.If] | type[nodes.With] | type[nodes.Range]] = {
    Kind.IF: nodes.If,
    Kind.WITH: nodes.With,
    Kind.RANGE: nodes.Range,
}


def parse(text: str, functions: Set[str]) -> nodes.Tree:
    """Parse a template that may use these functions. Raises TemplateError with line and column."""
    return _Parser(text, functions).tree()


def location(text: str, position: int) -> tuple[int, int]:
    """Line and column of an offset, both counted from 1, the column in characters."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


class _Parser:
    def __init__(self, text: str, functions: Set[str]) -> None:
        self.text = text
        self.functions = functions
        self.tokens = lex(text)
        self.index = 0  # of the next token
        self.seen = self.tokens[0]  # the last one looked at: errors name its line
        self.action: Token | None = None  # opens the action being parsed
        self.variables = ["$"]
        self.num_ranges = 0
        self.nesting = 0
        self.blocks: dict[str, nodes.Block] = {}
        self.ended_by = Kind.END  # or ELSE: what closed the last list

    # tokens

    def _next(self) -> Token:
        self.seen = self.tokens[self.index]
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return self.seen

    def _peek(self) -> Token:
        self.seen = self.tokens[self.index]
        return self.seen

    def _skip_space(self) -> None:
        while self.tokens[self.index].kind is Kind.SPACE:
            self.index += 1

    def _next_word(self) -> Token:
        self._skip_space()
        return self._next()

    def _peek_word(self) -> Token:
        self._skip_space()
        return self._peek()

    def _expect(self, kind: Kind, context: str) -> Token:
        token = self._next_word()
        if token.kind is not kind:
            self._unexpected(token, context)
        return token

    # errors

    def _fail(self, message: str, token: Token | None = None) -> NoReturn:
        position = (token or self.seen).position
        line, column = location(self.text, position)
        raise TemplateError(f"template: :{line}: {message}", line=line, column=column)

    def _unexpected(self, token: Token, context: str) -> NoReturn:
        if token.kind is not Kind.ERROR:
            self._fail(f"unexpected {token} in {context}", token)
        self._fail(f"{token}{self._where_action_began(token)}", token)

    def _where_action_began(self, token: Token) -> str:
        if self.action is None:
            return ""
        began = location(self.text, self.action.position)[0]
        if began == location(self.text, token.position)[0]:
            return ""
        noun = "" if token.value.endswith(" action") else " in action"
        return f"{noun} started at :{began}"

    def _enter(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self._fail(f"nested deeper than {MAX_NESTING} levels")

    # lists

    def tree(self) -> nodes.Tree:
        root: list[nodes.Node] = []
        while self._peek().kind is not Kind.END_OF_TEXT:
            if not self._define():
                node = self._item()
                if node is None:
                    self._fail(f"unexpected {self._end_text()}")
                root.append(node)
        self._add("", nodes.Block(0, tuple(root)))
        return nodes.Tree(self.text, self.blocks)

    def _end_text(self) -> str:
        return "{{else}}" if self.ended_by is Kind.ELSE else "{{end}}"

    def _block(self) -> nodes.Block:
        """Take nodes up to an `end` or `else`, which is left in `ended_by`."""
        position = self._peek_word().position
        self._enter()
        found: list[nodes.Node] = []
        while True:
            if self._peek_word().kind is Kind.END_OF_TEXT:
                self._fail("unexpected EOF")
            node = self._item()
            if node is None:
                self.nesting -= 1
                return nodes.Block(position, tuple(found))
            found.append(node)

    def _item(self) -> nodes.Node | None:
        """Take one node; None for an `end` or `else`."""
        token = self._next_word()
        if token.kind is Kind.TEXT:
            return nodes.Text(token.position, token.value)
        if token.kind is not Kind.LEFT:
            self._unexpected(token, "input")
        self.action = token
        node = self._action()
        self.action = None
        return node

    def _action(self) -> nodes.Node | None:
        token = self._peek_word()
        match token.kind:
            case Kind.IF | Kind.WITH | Kind.RANGE:
                self._next()
                return self._branch(token)
            case Kind.BREAK | Kind.CONTINUE:
                self._next()
                return self._jump(token)
            case Kind.TEMPLATE:
                self._next()
                return self._invoke()
            case Kind.BLOCK:
                self._next()
                return self._define_here()
            case Kind.ELSE | Kind.END:
                self._next()
                self._close(token)
                return None
        return nodes.Action(token.position, self._pipeline("command", Kind.RIGHT))

    def _close(self, token: Token) -> None:
        self.ended_by = token.kind
        # `{{ else if … }}` and `{{ else with … }}` continue as an action of their own.
        if token.kind is Kind.END or self._peek_word().kind not in (Kind.IF, Kind.WITH):
            self._expect(Kind.RIGHT, token.value)

    def _require_end(self, message: str) -> None:
        if self.ended_by is not Kind.END:
            self._fail(message)

    # control

    def _branch(self, token: Token) -> nodes.Branch:
        context = token.value
        num_variables = len(self.variables)
        pipeline = self._pipeline(context, Kind.RIGHT)
        self.num_ranges += context == "range"
        body = self._block()
        self.num_ranges -= context == "range"
        otherwise = self._otherwise(token)
        del self.variables[num_variables:]
        return _BRANCHES[token.kind](token.position, pipeline, body, otherwise)

    def _otherwise(self, opened: Token) -> nodes.Block | None:
        if self.ended_by is Kind.END:
            return None
        following = self._peek_word()
        if following.kind is opened.kind and opened.kind is not Kind.RANGE:
            self._next()
            self._enter()
            branch = self._branch(following)
            self.nesting -= 1
            return nodes.Block(following.position, (branch,))
        block = self._block()
        self._require_end(f"expected end; found {self._end_text()}")
        return block

    def _jump(self, token: Token) -> nodes.Break | nodes.Continue:
        after = self._next_word()
        if after.kind is not Kind.RIGHT:
            self._unexpected(after, "{{" + token.value + "}}")
        if not self.num_ranges:
            self._fail("{{" + token.value + "}} outside {{range}}")
        return nodes.Break(token.position) if token.kind is Kind.BREAK else nodes.Continue(token.position)

    def _invoke(self) -> nodes.Invoke:
        name = self._template_name("template clause")
        position = self.seen.position
        if self._peek_word().kind is Kind.RIGHT:
            self._next()
            return nodes.Invoke(position, name, None)
        return nodes.Invoke(position, name, self._pipeline("template clause", Kind.RIGHT))

    def _define_here(self) -> nodes.Invoke:
        """Take the rest of `{{ block "name" pipeline }}…{{ end }}`."""
        name = self._template_name("block clause")
        position = self.seen.position
        pipeline = self._pipeline("block clause", Kind.RIGHT)
        self._definition(name, "block clause")
        return nodes.Invoke(position, name, pipeline)

    def _define(self) -> bool:
        """Take `{{ define "name" }}…{{ end }}` if one stands here."""
        start = self.index
        if self._next().kind is Kind.LEFT and self._next_word().kind is Kind.DEFINE:
            name = self._template_name("define clause")
            self._expect(Kind.RIGHT, "define clause")
            self._definition(name, "define clause")
            return True
        self.index = start
        return False

    def _definition(self, name: str, context: str) -> None:
        saved, self.variables = self.variables, ["$"]
        num_ranges, self.num_ranges = self.num_ranges, 0
        block = self._block()
        self._require_end(f"unexpected {self._end_text()} in {context}")
        self.variables, self.num_ranges = saved, num_ranges
        self._add(name, block)

    def _add(self, name: str, block: nodes.Block) -> None:
        old = self.blocks.get(name)
        if old is None or old.is_empty():
            self.blocks[name] = block
        elif not block.is_empty():
            self._fail(f"template: multiple definition of template {quote(name)}")

    def _template_name(self, context: str) -> str:
        token = self._next_word()
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            self._unexpected(token, context)
        return self._string(token)

    # pipelines

    def _pipeline(self, context: str, end: Kind) -> nodes.Pipeline:
        position = self._peek_word().position
        variables, assigns = self._declarations(context)
        commands: list[nodes.Command] = []
        while (token := self._next_word()).kind is not end:
            if token.kind not in _OPERANDS:
                self._unexpected(token, context)
            self.index -= 1
            commands.append(self._command())
        self._check(commands, context)
        return nodes.Pipeline(position, variables, assigns, tuple(commands))

    def _check(self, commands: list[nodes.Command], context: str) -> None:
        if not commands:
            self._fail(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], start=2):
            if isinstance(command.operands[0], nodes.Constant | nodes.Dot | nodes.Nil):
                self._fail(f"non executable command in pipeline stage {stage}")

    def _declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        """Take `$x :=`, `$x =` or `$i, $x :=`; names and whether it is an assignment."""
        names: list[str] = []
        while (token := self._peek_word()).kind is Kind.VARIABLE:
            start = self.index
            self._next()
            following = self._peek_word()
            if following.kind in (Kind.ASSIGN, Kind.DECLARE):
                self._next()
                names.append(token.value)
                self.variables.append(token.value)
                return tuple(names), following.kind is Kind.ASSIGN
            if following != (Kind.PUNCTUATION, ",", following.position):
                self.index = start
                break
            self._next()
            names.append(token.value)
            self.variables.append(token.value)
            self._check_second(names, context)
        return tuple(names), False

    def _check_second(self, names: list[str], context: str) -> None:
        if context != "range" or len(names) > 1:
            self._fail(f"too many declarations in {context}")
        if self._peek_word().kind not in (Kind.VARIABLE, Kind.RIGHT, Kind.CLOSE):
            self._fail("range can only initialize variables")

    def _command(self) -> nodes.Command:
        position = self._peek_word().position
        operands: list[nodes.Operand] = []
        while True:
            self._skip_space()
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = self._next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT, Kind.CLOSE):
                self.index -= 1
            elif token.kind is not Kind.PIPE:
                self._unexpected(token, "operand")
            break
        if not operands:
            self._fail("empty command")
        return nodes.Command(position, tuple(operands))

    def _operand(self) -> nodes.Operand | None:
        term = self._term()
        if term is None or self._peek().kind is not Kind.FIELD:
            return term
        position = self._peek().position
        names: list[str] = []
        while self._peek().kind is Kind.FIELD:
            names.append(self._next().value[1:])
        match term:
            case nodes.Field():
                return nodes.Field(position, (*term.names, *names))
            case nodes.Variable():
                return nodes.Variable(position, term.name, (*term.names, *names))
            case nodes.Constant() | nodes.Nil() | nodes.Dot():
                self._fail(f"unexpected . after term {quote(str(term))}")
        return nodes.Chain(position, term, tuple(names))

    def _term(self) -> nodes.Operand | None:
        token = self._next_word()
        match token.kind:
            case Kind.IDENTIFIER:
                if token.value not in self.functions:
                    self._fail(f"function {quote(token.value)} not defined")
                return nodes.Function(token.position, token.value)
            case Kind.DOT:
                return nodes.Dot(token.position)
            case Kind.NIL:
                return nodes.Nil(token.position)
            case Kind.VARIABLE:
                if token.value not in self.variables:
                    self._fail(f"undefined variable {quote(token.value)}")
                return nodes.Variable(token.position, token.value, ())
            case Kind.FIELD:
                return nodes.Field(token.position, (token.value[1:],))
            case Kind.BOOL | Kind.NUMBER | Kind.CHARACTER | Kind.STRING | Kind.RAW_STRING:
                return nodes.Constant(token.position, token.value, self._constant(token))
            case Kind.OPEN:
                self._enter()
                pipeline = self._pipeline("parenthesized pipeline", Kind.CLOSE)
                self.nesting -= 1
                return pipeline
        self.index -= 1 if token is not self.tokens[-1] else 0
        return None

    def _constant(self, token: Token) -> bool | int | float | str:
        if token.kind is Kind.BOOL:
            return token.value == "true"
        if token.kind in (Kind.STRING, Kind.RAW_STRING):
            return self._string(token)
        try:
            return (
                unquote_character(token.value) if token.kind is Kind.CHARACTER else parse_number(token.value)
            )
        except ValueError as error:
            self._fail(str(error), token)

    def _string(self, token: Token) -> str:
        try:
            return unquote(token.value)
        except ValueError as error:
            self._fail(str(error), token)
