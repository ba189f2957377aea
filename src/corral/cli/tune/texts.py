"""The report on the data, the plan and the result as text for people."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from corral.cli.rate import remaining_text
from corral.cli.table import TEXT_WIDTH, section_text
from corral.cli.terminal import BOLD, GREY, RESET, is_terminal, printable
from corral.core.units import human_bytes

Record = Mapping[str, Any]
Row = tuple[str, ...]
_PLACES = 5  # of dropped rows that are named for each reason
# Where colour would not be seen, what is trained on stands between these.
_MARKS = ("⟦", "⟧")


def data_text(report: Record) -> str:
    """Files, rows, what was dropped and why, lengths, and the first rows with what is trained on."""
    sections = [section_text("Data", [*_file_rows(report), *_row_rows(report)], cell_width=TEXT_WIDTH)]
    if report.get("dropped"):
        sections.append(section_text("Dropped", map(_dropped_row, report["dropped"]), cell_width=TEXT_WIDTH))
    if report.get("notes"):
        sections.append(section_text("Notes", [(note,) for note in report["notes"]], cell_width=TEXT_WIDTH))
    return "".join(sections) + _samples_text(report.get("samples") or ())


def plan_text(plan: Record) -> str:
    rows: list[Row] = [
        ("device", str(plan["device"])),
        ("steps", str(plan["steps"])),
        ("time", f"about {remaining_text(float(plan['duration_s']))}"),
        ("memory", human_bytes(int(plan["memory_bytes"]))),
    ]
    given = {name: value for name, value in plan["options"].items() if not isinstance(value, dict)}
    options = [(name.replace("_", " "), _option_text(value)) for name, value in given.items()]
    memory = plan["options"].get("memory") or {}
    rows += [(f"  {name.removesuffix('_bytes')}", human_bytes(size)) for name, size in memory.items()]
    return section_text("Plan", rows) + section_text("Options", options)


def result_text(job: Record, program: str) -> str:
    """What came of a job, and what can be done now."""
    lines = list(_gate_lines(job.get("gate")))
    match job["state"]:
        case "succeeded":
            lines.append(f"Created '{job['published']}': {program} run {job['published']}")
        case "draft":
            lines.append(f"Not named '{job['name']}': {job.get('reason', 'it is no better than its base')}")
            lines.append(f"To name it all the same: {program} tune publish {job['id']}")
        case "stopped":
            lines.append(f"Stopped: {job.get('reason', '')}")
            lines.append(f"To go on: {program} tune resume {job['id']}")
    return "".join(f"{printable(line)}\n" for line in lines)


def _gate_lines(gate: Record | None) -> Iterator[str]:
    if not gate:
        return
    measured = str(gate.get("measured", "held-out loss")).capitalize()
    yield f"{measured} {gate['loss_before']:.3f} → {gate['loss_after']:.3f}"
    if gate["prompts"]:
        passed = f"{gate['passed_before']} → {gate['passed_after']} of {gate['prompts']}"
        yield f"Prompts answered as they should {passed}"


def _file_rows(report: Record) -> Iterator[Row]:
    for file in report.get("files") or ():
        name = str(file["path"]).rsplit("/", 1)[-1]
        yield name, f"{file['format']}, {file['rows']} rows, {human_bytes(file['bytes'])}"


def _row_rows(report: Record) -> Iterator[Row]:
    yield "rows used", f"{report.get('used', 0)} of {report.get('rows', 0)}"
    yield "trained on, held out", f"{report.get('train_rows', 0)}, {report.get('held_out_rows', 0)}"
    if report.get("duplicates"):
        yield "duplicates", str(report["duplicates"])
    if lengths := report.get("lengths"):
        names = ("min", "median", "p95", "max")
        yield "tokens a row", ", ".join(f"{name} {lengths.get(name, 0)}" for name in names)
    if report.get("over_long"):
        share = f"{100 * report.get('over_long_share', 0):.1f} %"
        yield (
            "too long",
            f"{report['over_long']} ({share}) had more than {report.get('max_length', 0)} tokens",
        )
    if report.get("tokens"):
        share = f"{100 * report.get('trained_share', 0):.0f} %"
        yield "tokens", f"{report['tokens']}, {report.get('trained_tokens', 0)} of them trained on ({share})"
    if report.get("template"):
        yield "rendered by", str(report["template"])


def _dropped_row(dropped: Record) -> Row:
    places = list(dropped.get("places") or ())
    named = ", ".join(str(place).rsplit("/", 1)[-1] for place in places[:_PLACES])
    more = ", ..." if dropped["rows"] > len(places[:_PLACES]) else ""
    return str(dropped["rows"]), str(dropped["reason"]), f"{named}{more}"


def _samples_text(samples: Iterable[Record]) -> str:
    colour = is_terminal(sys.stdout)
    return "".join(_sample_text(sample, colour=colour) for sample in samples)


def _sample_text(sample: Record, *, colour: bool) -> str:
    place = str(sample["place"]).rsplit("/", 1)[-1]
    how = "what is trained on is bold" if colour else f"what is trained on stands in {''.join(_MARKS)}"
    body = "".join(_span(printable(text), bool(trained), colour=colour) for text, trained in sample["spans"])
    return f"  {place} ({how})\n{_indented(body)}\n\n"


def _span(text: str, trained: bool, *, colour: bool) -> str:
    if colour:
        return f"{BOLD if trained else GREY}{text}{RESET}"
    return f"{_MARKS[0]}{text}{_MARKS[1]}" if trained else text


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip("\n").split("\n"))


def _option_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "default" if value is None else str(value)


def event_text(record: Record) -> str:
    """A record of a job's stream as one line with its time; empty for one that says nothing to people."""
    words = event_words(record)
    clock = time.strftime("%H:%M:%S", time.localtime(record["t"])) if words else ""
    return printable(f"{clock} {words}").strip()


def event_words(record: Record) -> str:
    match record["event"]:
        case "data":
            report = record["report"]
            return f"data: {report.get('used', 0)} of {report.get('rows', 0)} rows are used"
        case "plan":
            left = remaining_text(float(record["duration_s"]))
            return f"plan: {record['steps']} steps on {record['device']}, about {left}"
        case "step":
            rates = f"{record['learning_rate']:.2e}, {record['tokens_per_s']:.0f} tokens/s"
            return f"step {record['step']}/{record['steps']}: loss {record['loss']:.4f}, rate {rates}"
        case "eval":
            return f"step {record['step']}: held-out loss {record['loss']:.4f}"
        case "checkpoint":
            return f"step {record['step']}: checkpoint"
        case "note":
            return str(record["text"])
        case "gate":
            return f"{'better' if record['better'] else 'no better'}: {record['reason']}"
        case "failed":
            return f"failed: {record['message']}"
        case _:
            return ""
