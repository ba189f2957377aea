"""The routes of `/api/tune` in words."""

from __future__ import annotations

from corral.api.replies import NDJSON
from corral.api.tune.shapes import PublishIn, TuneIn
from corral.wire import Operation

_BODY = {"model": "pocket", "name": "me/helper", "files": ["file-0123456789abcdef01234567"]}


def _on_job(method: str, path: str, summary: str, **more: object) -> Operation:
    return Operation(method=method, path=f"/api/tune/:id{path}", summary=summary, **more)  # type: ignore[arg-type]  # fields of Operation


TUNE_OPERATIONS = (
    Operation(method="GET", path="/api/tune", summary="The fine-tuning jobs"),
    Operation(
        method="POST",
        path="/api/tune",
        summary="Fine-tune a model; its files come by /v1/files",
        body=TuneIn,
        required=("model", "files"),
        example=_BODY,
    ),
    Operation(
        method="POST",
        path="/api/tune/plan",
        summary="Check the files, and say what the work would take, without doing it",
        body=TuneIn,
        required=("model", "files"),
        example=_BODY,
        stream=NDJSON,
    ),
    _on_job("GET", "", "One job, with the report on its data"),
    _on_job("DELETE", "", "Forget a job, ending it first; the model stays", answer=""),
    _on_job(
        "GET",
        "/events",
        "Its events as they come; `?from=N` leaves out the first N, `?follow=0` does not wait",
        answer="",
        stream=NDJSON,
    ),
    _on_job("GET", "/log", "What its process has printed", answer="text/plain"),
    _on_job("GET", "/report", "A page with its curves", answer="text/html"),
    _on_job("POST", "/stop", "Stop it, with a checkpoint"),
    _on_job("POST", "/resume", "Go on from the last checkpoint"),
    _on_job("POST", "/publish", "Give its result a name, whatever the comparison said", body=PublishIn),
)
