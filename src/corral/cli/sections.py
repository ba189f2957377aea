"""The answer of /api/show as sections of text. Source: cli.md section 15."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from corral.cli.table import TEXT_WIDTH, section_text
from corral.cli.terminal import width
from corral.cli.tune.card import card_rows
from corral.core.units import human_number

_HEAD_LINES = 2  # of running text
_LIST_COLUMNS = 10  # of the items of a list that are shown
Row = tuple[str, ...]


def model_sections(shown: Mapping[str, Any], *, verbose: bool = False) -> str:
    """All sections that have something to say, each with its empty line."""
    sections = [section_text("Model", _model_rows(shown))]
    if capabilities := shown.get("capabilities"):
        sections.append(section_text("Capabilities", [(str(word),) for word in capabilities]))
    if projector := shown.get("projector_info"):
        sections.append(section_text("Projector", _projector_rows(projector)))
    if parameters := shown.get("parameters"):
        sections.append(section_text("Parameters", [tuple(line.split()) for line in parameters.splitlines()]))
    if isinstance(tuned := shown.get("tuned"), dict) and (rows := list(card_rows(tuned))):
        sections.append(section_text("Tuned", rows, cell_width=TEXT_WIDTH))
    if verbose:
        sections += _verbose_sections(shown)
    for title in ("System", "License"):
        if text := shown.get(title.lower()):
            sections.append(section_text(title, _head(text), cell_width=TEXT_WIDTH))
    return "".join(sections)


def _model_rows(shown: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = []
    details = shown.get("details") or {}
    if shown.get("remote_host"):
        rows.append(("Remote model", str(shown.get("remote_model", ""))))
        rows.append(("Remote URL", str(shown["remote_host"])))
    info = shown.get("model_info")
    if info:
        rows += _info_rows(info, details)
    else:
        rows.append(("architecture", str(details.get("family", ""))))
        rows.append(("parameters", str(details.get("parameter_size", ""))))
    rows.append(("quantization", str(details.get("quantization_level", ""))))
    if shown.get("requires"):
        rows.append(("requires", str(shown["requires"])))
    return rows


def _info_rows(info: Mapping[str, Any], details: Mapping[str, Any]) -> Iterable[Row]:
    family = info.get("general.architecture")
    if family:
        yield "architecture", str(family)
    if details.get("parameter_size"):
        yield "parameters", str(details["parameter_size"])
    elif _is_number(info.get("general.parameter_count")):
        yield "parameters", human_number(int(info["general.parameter_count"]))
    for title in ("context length", "embedding length"):
        value = info.get(f"{family}.{title.replace(' ', '_')}")
        if _is_number(value):
            yield title, f"{value:.0f}"


def _projector_rows(info: Mapping[str, Any]) -> Iterable[Row]:
    family = str(info.get("general.architecture", ""))
    yield "architecture", family
    if _is_number(info.get("general.parameter_count")):
        yield "parameters", human_number(int(info["general.parameter_count"]))
    for title, key in (("embedding length", "embedding_length"), ("dimensions", "projection_dim")):
        values = (info.get(f"{family}.{part}.{key}") for part in ("vision", "audio"))
        found = next((value for value in values if _is_number(value)), None)
        if found is not None:
            yield title, f"{found:.0f}"


def _verbose_sections(shown: Mapping[str, Any]) -> Iterable[str]:
    info = shown.get("model_info")
    if info:
        yield section_text("Metadata", [(key, metadata_text(info[key])) for key in sorted(info)])
    if tensors := shown.get("tensors"):
        yield section_text("Tensors", [_tensor_row(tensor) for tensor in tensors])


def _tensor_row(tensor: Mapping[str, Any]) -> Row:
    shape = " ".join(str(size) for size in tensor.get("shape") or ())
    return str(tensor.get("name", "")), str(tensor.get("type", "")), f"[{shape}]"


def metadata_text(value: object) -> str:
    """One metadata value; long lists are cut and say how many items are left out."""
    if isinstance(value, list):
        return _list_text([value_text(item) for item in value])
    if _is_number(value):
        return general(float(value), 6)  # type: ignore[arg-type]
    return value_text(value) if isinstance(value, (bool, str)) else _type_name(value)


def _list_text(items: list[str]) -> str:
    count, used = 0, 1
    for item in items:
        used += width(item) + (2 if count else 0)
        if used > _LIST_COLUMNS and count:
            break
        count += 1
    left = len(items) - count
    return f"[{' '.join(items[:count])} ...+{left} more]" if left else f"[{' '.join(items)}]"


def value_text(value: object) -> str:
    """One value in full."""
    if isinstance(value, list):
        return f"[{' '.join(map(value_text, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return general(float(value), 21)
    return str(value) if isinstance(value, str) else _type_name(value)


def _type_name(value: object) -> str:
    return "<nil>" if value is None else "map[string]interface {}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def general(value: float, limit: int) -> str:
    """The shortest digits that mean `value`; with an exponent below 1e-4 and from 10**limit on."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(str(value), "NaN")
    mantissa, _, exponent_text = f"{value!r}".partition("e")
    digits, exponent = _scientific(mantissa, int(exponent_text or 0))
    sign = "-" if value < 0 else ""
    if value == 0:
        return "0"
    if exponent < -4 or exponent >= limit:
        fraction = f".{digits[1:]}" if digits[1:] else ""
        return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def _scientific(mantissa: str, exponent: int) -> tuple[str, int]:
    """The significant digits, and the exponent of the first of them."""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    exponent += len(whole) - 1 - (len(whole + fraction) - len(digits))
    return digits.rstrip("0") or "0", exponent


def _head(text: str) -> list[Row]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    more = [("...",)] if len(lines) > _HEAD_LINES else []
    return [*((line,) for line in lines[:_HEAD_LINES]), *more]
