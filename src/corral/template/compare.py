"""eq, ne, lt, le, gt, ge, with Go's rules on types.

Integers compare with integers, floats with floats, strings with strings, bools (for equality) with bools;
nil may be compared for equality with anything. Everything else is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from corral.template.values import kind, type_name

_BASIC = frozenset({"bool", "int", "float64", "string"})
_ORDERED = frozenset({"int", "float64", "string"})


class CallError(Exception):
    """A function was given what it cannot work with; the runtime says where."""


def eq(arguments: Sequence[object], _limit: int) -> bool:
    """Whether the first operand equals any of the others."""
    if len(arguments) < 2:
        raise CallError("missing argument for comparison")
    first = arguments[0]
    if type(first) is str:
        # By far the most frequent case: roles and names.
        for other in arguments[1:]:
            if type(other) is str:
                if other == first:
                    return True
            elif _equal(first, other):
                return True
        return False
    return any(_equal(first, other) for other in arguments[1:])


def _equal(first: object, other: object) -> bool:
    kinds = kind(first), kind(other)
    if "nil" in kinds:
        return kinds == ("nil", "nil")
    if kinds[0] != kinds[1]:
        if kinds[0] in _BASIC or kinds[1] in _BASIC:
            raise _incompatible(first, other)
        raise CallError(f"non-comparable types {type_name(first)} and {type_name(other)}")
    if kinds[0] in _BASIC:
        return first == other
    if kinds[0] == "struct":
        return first is other
    raise CallError(f"non-comparable type {type_name(other)}")


def _incompatible(first: object, other: object) -> CallError:
    return CallError(f"incompatible types for comparison: {type_name(first)} and {type_name(other)}")


def ne(arguments: Sequence[object], limit: int) -> bool:
    return not eq(arguments, limit)


def lt(arguments: Sequence[object], _limit: int) -> bool:
    first, second = arguments
    kinds = kind(first), kind(second)
    if not all(name in _BASIC for name in kinds):
        raise CallError("invalid type for comparison")
    if kinds[0] != kinds[1]:
        raise _incompatible(first, second)
    if kinds[0] not in _ORDERED:
        raise CallError("invalid type for comparison")
    return bool(cast(Any, first) < cast(Any, second))


def le(arguments: Sequence[object], limit: int) -> bool:
    return lt(arguments, limit) or eq(arguments, limit)


def gt(arguments: Sequence[object], limit: int) -> bool:
    return not le(arguments, limit)


def ge(arguments: Sequence[object], limit: int) -> bool:
    return not lt(arguments, limit)
