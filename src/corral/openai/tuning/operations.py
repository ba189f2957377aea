"""The routes of files and of fine-tuning jobs in words."""

from __future__ import annotations

from corral.openai.tuning.shapes import JobIn
from corral.wire import Operation

_FORM = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary"}, "purpose": {"const": "fine-tune"}},
}
_JOB = "/v1/fine_tuning/jobs/:id"


def _get(path: str, summary: str) -> Operation:
    return Operation(method="GET", path=path, summary=summary)


def _post(path: str, summary: str) -> Operation:
    return Operation(method="POST", path=path, summary=summary)


TUNING_OPERATIONS = (
    _get("/v1/files", "The files that were sent; `?purpose=`, `?limit=`, `?after=`, `?order=`"),
    Operation(
        method="POST",
        path="/v1/files",
        summary="Send a file to be trained on",
        body=_FORM,
        required=("file", "purpose"),
        body_type="multipart/form-data",
    ),
    _get("/v1/files/:id", "One file"),
    Operation(method="DELETE", path="/v1/files/:id", summary="Delete a file"),
    Operation(
        method="GET",
        path="/v1/files/:id/content",
        summary="What is in a file",
        answer="application/octet-stream",
    ),
    _get("/v1/fine_tuning/jobs", "The fine-tuning jobs; `?limit=`, `?after=`"),
    Operation(
        method="POST",
        path="/v1/fine_tuning/jobs",
        summary="Fine-tune a model",
        body=JobIn,
        required=("model", "training_file"),
        example={"model": "pocket", "training_file": "file-0123456789abcdef01234567", "suffix": "helper"},
    ),
    _get(_JOB, "One job"),
    _post(f"{_JOB}/cancel", "Stop it for good"),
    _post(f"{_JOB}/pause", "Stop it, with a checkpoint"),
    _post(f"{_JOB}/resume", "Go on from the last checkpoint"),
    _get(f"{_JOB}/events", "What has happened, the newest first; `?limit=`, `?after=`"),
    _get(f"{_JOB}/checkpoints", "The model that was made"),
)
