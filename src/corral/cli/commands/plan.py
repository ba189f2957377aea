"""`plan MODEL`: what loading a model would take, before it is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.table import TEXT_WIDTH, section_text
from corral.core.units import human_bytes

_PARTS = {
    "weights": "weights",
    "extras": "adapters, projectors",
    "context": "context windows",
    "compute": "work buffers",
    "repack": "second layout of the weights",
    "cache": "kept prompts (filled later)",
    "total": "in all",
}


def run(call: Invocation) -> int:
    options = {"num_ctx": call.number("num-ctx")} if "num-ctx" in call.flags else {}
    plan = call.client().call("POST", "/api/plan", {"model": call.args[0], "options": options})
    if call.is_set("json"):
        print_json(plan)
    else:
        print("".join(_sections(plan)), end="")
    return 0 if plan["fits"] else 1


def _sections(plan: Mapping[str, Any]) -> Iterator[str]:
    yield section_text("Plan", _plan_rows(plan), cell_width=TEXT_WIDTH)
    if plan["fits"]:
        parts = [(title, human_bytes(plan["memory"][part])) for part, title in _PARTS.items()]
        yield section_text("Memory", [row for row in parts if row[1] != "0 B"])
    yield section_text("Where", [_place_row(place) for place in plan["places"]])
    reasons = plan["reasons"] or [plan["error"], *filter(None, [plan["hint"]])]
    yield section_text("Why", [(reason,) for reason in reasons], cell_width=TEXT_WIDTH)


def _plan_rows(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "model", plan["model"] + (" (loaded now)" if plan["loaded"] else "")
    yield "fits", _fits_text(plan)
    if plan["fits"]:
        yield "context window", f"{plan['num_ctx']} tokens"
    trained = f", trained for {plan['trained_num_ctx']}" if plan["trained_num_ctx"] else ""
    yield "at most", f"{plan['max_num_ctx']} tokens for one request{trained}"
    if plan["fits"]:
        yield "requests at a time", str(plan["slots"])
        yield "blocks on devices", f"{plan['blocks_on_devices']} of {plan['blocks'] + 1}"
        yield "threads, batch", f"{plan['threads']}, {plan['batch']} tokens"


def _fits_text(plan: Mapping[str, Any]) -> str:
    if not plan["fits"]:
        return "no"
    return "yes, when other models are unloaded" if plan["unloads_others"] else "yes"


def _place_row(place: Mapping[str, Any]) -> tuple[str, str, str]:
    free = f"{human_bytes(place['free'])} free of {human_bytes(place['total'])}"
    return place["name"], f"takes {human_bytes(place['takes'])}", free
