"""The jobs of the server: found by what the user calls them, listed, shown."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from corral.cli.client import Client
from corral.cli.errors import CommandError
from corral.cli.rate import remaining_text
from corral.cli.table import TEXT_WIDTH, section_text
from corral.cli.times import parse_moment
from corral.core.names import ModelName
from corral.core.units import human_bytes, human_time
from corral.errors import InvalidName

HEADER = ("ID", "STATE", "BASE", "NAME", "STEP", "HELD-OUT LOSS", "CREATED")

Record = Mapping[str, Any]


def all_jobs(client: Client) -> list[dict[str, Any]]:
    """The newest first."""
    return list(client.call("GET", "/api/tune")["jobs"])


def find_job(client: Client, word: str) -> dict[str, Any]:
    """By its id, the beginning of it that no other has, or the name of its model: the newest then.

    Raises CommandError.
    """
    jobs = all_jobs(client)
    begins = [job for job in jobs if job["id"].startswith((word, f"tune-{word}"))]
    named = [job for job in jobs if job["name"] == _short(word)]
    exact = [job for job in jobs if job["id"] == word]
    found = exact or (begins if len(begins) == 1 else named)
    if not found:
        many = f" ({len(begins)} jobs begin so)" if begins else ""
        raise CommandError(f"no fine-tuning job '{word}'{many}", hint="the jobs there are: corral tune ls")
    return found[0]


def row(job: Record, now: float) -> tuple[str, ...]:
    progress, loss = job.get("progress"), job.get("held_out_loss")
    return (
        job["id"],
        job["state"],
        job["model"],
        job["name"],
        f"{progress['step']}/{progress['steps']}" if progress else "-",
        f"{loss['before']:.3f} → {loss['now']:.3f}" if loss else "-",
        human_time(parse_moment(job["created_at"]), now),
    )


def job_text(job: Record) -> str:
    """The facts of one job, without the report on its data."""
    return section_text("Job", _rows(job), cell_width=TEXT_WIDTH)


def _rows(job: Record) -> Iterator[tuple[str, str]]:
    now = time.time()
    yield "id", job["id"]
    yield "state", f"{job['state']}: {job['reason']}" if job.get("reason") else job["state"]
    if error := job.get("error"):
        yield "error", error["message"]
        if error["hint"]:
            yield "hint", error["hint"]
    yield "base", job["model"]
    yield "name", job.get("published") or f"{job['name']} (not made yet)"
    yield "preset", job["preset"]
    for file in job["files"]:
        yield file["role"], f"{file['name']} ({human_bytes(file['bytes'])})"
    for name in ("created", "started", "finished"):
        if moment := parse_moment(job.get(f"{name}_at", "")):
            yield name, human_time(moment, now)
    if progress := job.get("progress"):
        left = progress.get("remaining_s")
        more = f", {remaining_text(left)} left" if left is not None else ""
        yield "step", f"{progress['step']} of {progress['steps']}{more}"
        yield "loss", f"{progress['loss']:.4f}"
    if loss := job.get("held_out_loss"):
        yield "held-out loss", f"{loss['before']:.4f} → {loss['now']:.4f}"


def _short(word: str) -> str:
    try:
        return ModelName.parse(word).short
    except InvalidName:
        return ""
