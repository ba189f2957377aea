"""The table of files and of fine-tuning jobs."""

from __future__ import annotations

from corral.openai.replies import failed, refused
from corral.openai.tuning.files import FileRoutes
from corral.openai.tuning.jobs import JobRoutes
from corral.openai.tuning.shapes import JobIn
from corral.tune.files import Files
from corral.tune.jobs import Jobs
from corral.wire import Handler, decode_json, handled, translated


def tuning_routes(files: Files, jobs: Jobs) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route."""
    file, job = FileRoutes(files), JobRoutes(jobs)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/v1/files", file.list),
        ("POST", "/v1/files", file.create),
        ("GET", "/v1/files/:id", file.retrieve),
        ("DELETE", "/v1/files/:id", file.delete),
        ("GET", "/v1/files/:id/content", file.content),
        ("GET", "/v1/fine_tuning/jobs", job.all),
        ("GET", "/v1/fine_tuning/jobs/:id", job.retrieve),
        ("POST", "/v1/fine_tuning/jobs/:id/cancel", job.cancel),
        ("POST", "/v1/fine_tuning/jobs/:id/pause", job.pause),
        ("POST", "/v1/fine_tuning/jobs/:id/resume", job.resume),
        ("GET", "/v1/fine_tuning/jobs/:id/events", job.events),
        ("GET", "/v1/fine_tuning/jobs/:id/checkpoints", job.checkpoints),
    ]
    return [
        *((method, path, handled(endpoint, failed)) for method, path, endpoint in table),
        (
            "POST",
            "/v1/fine_tuning/jobs",
            translated(_read_job, job.create, refused=refused, failed=failed),
        ),
    ]


def _read_job(body: bytes) -> JobIn:
    return decode_json(body, JobIn, empty="EOF")
