"""Go's fmt: how values print, with and without a format string.

Source: Go's documentation of package fmt, "Printing", "Format errors" and "Explicit argument indexes".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from corral.errors import TemplateError
from corral.template.encode import MAX_CHARACTERS, MAX_DEPTH, Sink, float_digits, integer_text
from corral.template.literals import quote, to_bytes
from corral.template.values import NIL_ELEMENT, Struct, kind, map_items, type_name

_MAX_WIDTH = 1_000_000  # Go refuses larger ones as well
_TEXT_VERBS = frozenset("vsxXq")
# With the verb v two flags mean something else, and no longer what they mean elsewhere.
_GO_SYNTAX, _FIELD_NAMES = "g", "f"
_VALUE_FLAGS = str.maketrans("#+", _GO_SYNTAX + _FIELD_NAMES)
_DIRECTIVE = re.compile(
    r"%(?P<flags>[#0+\- ]*)"
    r"(?P<width_index>\[[^\]%]*\])?(?P<width>\*|[0-9]+)?"
    r"(?P<dot>\.(?P<precision_index>\[[^\]%]*\])?(?P<precision>\*|[0-9]+)?)?"
    r"(?P<index>\[[^\]%]*\])?(?P<verb>.)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Spec:
    """One formatting directive; `width` and `precision` are None where not given."""

    verb: str = "v"
    flags: str = ""
    width: int | None = None
    precision: int | None = None

    @property
    def go_syntax(self) -> bool:
        return _GO_SYNTAX in self.flags

    @property
    def zero(self) -> bool:
        return "0" in self.flags and "-" not in self.flags


_PLAIN = Spec()


def show(value: object, limit: int = MAX_CHARACTERS) -> str:
    """What `{{ value }}` prints for anything but nil (fmt's %v)."""
    if type(value) is str:
        return value
    sink = Sink(limit)
    _print(sink, value, _PLAIN, 0)
    return sink.text()


def print_values(values: Sequence[object], limit: int) -> str:
    """Go's Sprint: a space between two operands when neither is a string."""
    sink = Sink(limit)
    previous_text = True
    for value in values:
        is_text = isinstance(value, str)
        if not is_text and not previous_text:
            sink.write(" ")
        _print(sink, value, _PLAIN, 0)
        previous_text = is_text
    return sink.text()


def print_line(values: Sequence[object], limit: int) -> str:
    """Go's Sprintln: a space between all operands, a newline at the end."""
    sink = Sink(limit)
    for index, value in enumerate(values):
        sink.write(" " if index else "")
        _print(sink, value, _PLAIN, 0)
    sink.write("\n")
    return sink.text()


def print_format(template: str, values: Sequence[object], limit: int) -> str:
    """Go's Sprintf; a wrong directive prints as `%!d(string=hi)` and the like, it never fails."""
    sink = Sink(limit)
    arguments = _Arguments(values)
    position = 0
    for directive in _DIRECTIVE.finditer(template):
        sink.write(template[position : directive.start()])
        position = directive.end()
        _directive(sink, directive, arguments)
    sink.write(template[position:])
    arguments.write_extra(sink)
    return sink.text()


class _Arguments:
    """The operands of a format string and which one is next."""

    def __init__(self, values: Sequence[object]) -> None:
        self.values = values
        self.next = 0
        self.reordered = False
        self.good_index = True

    def jump(self, index: str | None) -> None:
        """Follow an explicit `[n]`, if there is one."""
        if index is None:
            return
        self.reordered = True
        digits = index[1:-1]
        number = int(digits) if digits.isdecimal() and len(digits) < 8 else 0
        if 1 <= number <= len(self.values):
            self.next = number - 1
        else:
            self.good_index = False

    def number(self) -> int | None:
        """Take an integer for a `*`; None when the next operand is none, or too large."""
        if self.next >= len(self.values):
            return None
        value = self.values[self.next]
        self.next += 1
        if kind(value) != "int" or not -_MAX_WIDTH <= cast(int, value) <= _MAX_WIDTH:
            return None
        return cast(int, value)

    def write_extra(self, sink: Sink) -> None:
        """Complain about operands that no directive used."""
        if self.reordered or self.next >= len(self.values):
            return
        sink.write("%!(EXTRA ")
        for index, value in enumerate(self.values[self.next :]):
            sink.write(", " if index else "")
            if value is None:
                sink.write("<nil>")
            else:
                sink.write(type_name(value) + "=")
                _print(sink, value, _PLAIN, 0)
        sink.write(")")


def _directive(sink: Sink, found: re.Match[str], arguments: _Arguments) -> None:
    arguments.good_index = True
    spec = _measure(sink, found, arguments)
    arguments.jump(found["index"])
    verb = found["verb"]
    if verb is None:
        sink.write("%!(NOVERB)")
    elif verb == "%":
        sink.write("%")
    elif not arguments.good_index:
        sink.write(f"%!{verb}(BADINDEX)")
    elif arguments.next >= len(arguments.values):
        sink.write(f"%!{verb}(MISSING)")
    else:
        flags = spec.flags.translate(_VALUE_FLAGS) if verb == "v" else spec.flags
        arguments.next += 1
        _print(sink, arguments.values[arguments.next - 1], replace(spec, verb=verb, flags=flags), 0)


def _measure(sink: Sink, found: re.Match[str], arguments: _Arguments) -> Spec:
    flags, width, precision = found["flags"], found["width"], found["precision"]
    arguments.jump(found["width_index"])
    num_columns: int | None = None
    if width == "*":
        num_columns = arguments.number()
        if num_columns is None:
            sink.write("%!(BADWIDTH)")
        elif num_columns < 0:
            num_columns, flags = -num_columns, flags + "-"
    elif width is not None:
        num_columns = _size(width)
        arguments.good_index &= found["width_index"] is None
    if found["dot"] is None:
        return Spec(flags=flags, width=num_columns)
    arguments.jump(found["precision_index"])
    num_digits: int | None = 0
    if precision == "*":
        num_digits = arguments.number()
        if num_digits is None:
            sink.write("%!(BADPREC)")
        elif num_digits < 0:
            num_digits = None
    elif precision is not None:
        num_digits = _size(precision)
    return Spec(flags=flags, width=num_columns, precision=num_digits)


def _size(digits: str) -> int | None:
    return min(int(digits), _MAX_WIDTH) if len(digits) < 10 else None


# one operand


def _print(sink: Sink, value: object, spec: Spec, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise TemplateError(f"template: data is nested deeper than {MAX_DEPTH} levels")
    if spec is _PLAIN and type(value) is str:
        sink.write(value)
    elif value is None or value is NIL_ELEMENT:
        _print_nil(sink, spec, depth)
    elif spec.verb == "T":
        _pad(sink, type_name(value), spec)
    elif spec.verb == "p":
        _bad_verb(sink, value, spec)
    else:
        _print_kind(sink, value, spec, depth)


def _print_nil(sink: Sink, spec: Spec, depth: int) -> None:
    if depth or spec.verb in "vT":
        _pad(sink, "<nil>", spec)
    else:
        sink.write(f"%!{spec.verb}(<nil>)")


def _print_kind(sink: Sink, value: object, spec: Spec, depth: int) -> None:
    describe = getattr(value, "__go_string__", None)
    if describe is not None and spec.verb in _TEXT_VERBS and not spec.go_syntax:
        text = describe()
        if text is not None:
            _print_text(sink, text, spec)
            return
    match kind(value):
        case "string":
            _print_text(sink, cast(str, value), spec)
        case "bool":
            _print_bool(sink, cast(bool, value), spec)
        case "int":
            _print_integer(sink, cast(int, value), spec)
        case "float64":
            _print_float(sink, cast(float, value), spec)
        case "bytes":
            _print_bytes(sink, cast(bytes, value), spec, depth)
        case "slice":
            _print_list(sink, cast("Sequence[object]", value), spec, depth)
        case "map":
            _print_map(sink, cast("dict[str, object]", value), spec, depth)
        case "struct":
            _print_struct(sink, cast(Struct, value), spec, depth)
        case _:
            raise TemplateError(f"template: can't print a value of type {type_name(value)}")


def _bad_verb(sink: Sink, value: object, spec: Spec) -> None:
    sink.write(f"%!{spec.verb}({type_name(value)}=")
    _print(sink, value, _PLAIN, 1)
    sink.write(")")


def _pad(sink: Sink, text: str, spec: Spec) -> None:
    missing = (spec.width or 0) - len(text)
    if missing <= 0:
        sink.write(text)
    elif "-" in spec.flags:
        sink.write(text + " " * missing)
    else:
        sink.write(("0" if spec.zero else " ") * missing + text)


def _print_text(sink: Sink, text: str, spec: Spec) -> None:
    verb = "q" if spec.go_syntax else spec.verb
    cut = text if spec.precision is None else text[: spec.precision]
    match verb:
        case "v" | "s":
            _pad(sink, cut, spec)
        case "q":
            if "#" in spec.flags and "`" not in cut and cut.isprintable():
                _pad(sink, f"`{cut}`", spec)
            else:
                _pad(sink, quote(cut, ascii_only="+" in spec.flags), spec)
        case "x" | "X":
            _pad(sink, _hex_bytes(to_bytes(text), spec), spec)
        case _:
            _bad_verb(sink, text, spec)


def _hex_bytes(data: bytes, spec: Spec) -> str:
    data = data if spec.precision is None else data[: spec.precision]
    prefix = "0x" if "#" in spec.flags and data else ""
    pairs = (" " + prefix).join(f"{byte:02x}" for byte in data) if " " in spec.flags else data.hex()
    return (prefix + pairs).upper() if spec.verb == "X" else prefix + pairs


def _print_bool(sink: Sink, value: bool, spec: Spec) -> None:
    if spec.verb in "tv":
        _pad(sink, "true" if value else "false", spec)
    else:
        _bad_verb(sink, value, spec)


def _print_integer(sink: Sink, value: int, spec: Spec) -> None:
    match spec.verb:
        case "v" | "d":
            _pad_number(sink, value < 0, integer_text(abs(value)), spec)
        case "b" | "o" | "x" | "X":
            prefix = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}[spec.verb] if "#" in spec.flags else ""
            _pad_number(sink, value < 0, format(abs(value), spec.verb), spec, prefix)
        case "O":
            _pad_number(sink, value < 0, format(abs(value), "o"), spec, "0o")
        case "c":
            _pad(sink, _character(value), spec)
        case "q":
            _pad(sink, quote(_character(value), ascii_only="+" in spec.flags, mark="'"), spec)
        case "U":
            _pad(sink, _code_point(value, spec), replace(spec, flags=spec.flags.replace("0", "")))
        case _:
            _bad_verb(sink, value, spec)


def _character(code: int) -> str:
    valid = 0 <= code < 0xD800 or 0xDFFF < code < 0x110000
    return chr(code) if valid else "\ufffd"


def _code_point(code: int, spec: Spec) -> str:
    text = f"U+{code % 2**64:04X}"
    character = _character(code)
    return f"{text} '{character}'" if "#" in spec.flags and character.isprintable() else text


def _pad_number(sink: Sink, negative: bool, digits: str, spec: Spec, prefix: str = "") -> None:
    """Write sign, prefix and digits: at least `precision` digits; the flag `0` fills the width with zeros."""
    sign = "-" if negative else "+" if "+" in spec.flags else " " if " " in spec.flags else ""
    if spec.precision is not None:
        digits = "" if spec.precision == 0 and digits == "0" else digits.zfill(spec.precision)
        if not digits:
            sign = prefix = ""
    elif spec.zero and spec.width is not None:
        digits = digits.zfill(spec.width - len(sign))
    _pad(sink, sign + prefix + digits, replace(spec, flags=spec.flags.replace("0", "")))


def _print_float(sink: Sink, value: float, spec: Spec) -> None:
    if spec.verb not in "vgGeEfF":
        _bad_verb(sink, value, spec)
        return
    sign = (
        "-" if str(value).startswith("-") else "+" if "+" in spec.flags else " " if " " in spec.flags else ""
    )
    size = abs(value)
    if size != size or size == float("inf"):
        sign = sign or ("+" if size == size else "")
        text = "NaN" if size != size else "Inf"
        _pad(sink, sign + text, replace(spec, flags=spec.flags.replace("0", "")))
        return
    digits = _float_text(size, spec)
    if spec.zero and spec.width is not None:
        digits = digits.zfill(spec.width - len(sign))
    _pad(sink, sign + digits, replace(spec, flags=spec.flags.replace("0", "")))


def _float_text(value: float, spec: Spec) -> str:
    if spec.verb in "eEfF":
        precision = 6 if spec.precision is None else spec.precision
        return format(value, f".{precision}{spec.verb}")
    text = shortest_float(value) if spec.precision is None else format(value, f".{spec.precision}g")
    return text.upper() if spec.verb == "G" else text


def shortest_float(value: float) -> str:
    """Go's %g without a precision: shortest digits, with an exponent below 1e-4 and from 1e6 on (`1e+06`)."""
    if not value or 1e-4 <= abs(value) < 1e6:
        return float_digits(value)
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{exponent}" if exponent else _with_exponent(float_digits(value))


def _with_exponent(digits: str) -> str:
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    whole, _, fraction = digits.partition(".")
    mantissa = (whole[0] + "." + whole[1:] + fraction).rstrip("0").rstrip(".")
    return f"{sign}{mantissa}e+{len(whole) - 1:02d}"


def _print_bytes(sink: Sink, value: bytes, spec: Spec, depth: int) -> None:
    if spec.verb in "sqxX":
        _print_text(sink, value.decode("utf-8", "surrogateescape"), spec)
    else:
        _print_list(sink, list(value), spec, depth)


def _print_list(sink: Sink, value: Sequence[object], spec: Spec, depth: int) -> None:
    go_syntax = spec.go_syntax
    sink.write(type_name(value) + "{" if go_syntax else "[")
    for index, item in enumerate(value):
        if index:
            sink.write(", " if go_syntax else " ")
        _print(sink, item, spec, depth + 1)
    sink.write("}" if go_syntax else "]")


def _print_map(sink: Sink, value: dict[str, object], spec: Spec, depth: int) -> None:
    go_syntax = spec.go_syntax
    sink.write(type_name(value) + "{" if go_syntax else "map[")
    for index, (key, item) in enumerate(map_items(value)):
        if index:
            sink.write(", " if go_syntax else " ")
        _print(sink, key, spec, depth + 1)
        sink.write(":")
        _print(sink, item, spec, depth + 1)
    sink.write("}" if go_syntax else "]")


def _print_struct(sink: Sink, value: Struct, spec: Spec, depth: int) -> None:
    go_syntax = spec.go_syntax
    named = go_syntax or _FIELD_NAMES in spec.flags
    sink.write(value.type_name + "{" if go_syntax else "{")
    for index, (name, item) in enumerate(value.fields.items()):
        if index:
            sink.write(", " if go_syntax else " ")
        if named:
            sink.write(name + ":")
        _print(sink, item, spec, depth + 1)
    sink.write("}")
