"""The endpoints of fine-tuning jobs."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from corral.openai.replies import json_response
from corral.openai.tuning.lists import page
from corral.openai.tuning.records import checkpoint_records, event_records, job_record
from corral.openai.tuning.shapes import JobIn
from corral.tune.events import Event
from corral.tune.jobs import Job, Jobs


class JobRoutes:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def create(self, request: Request, asked: JobIn) -> Response:
        return json_response(job_record(await self._jobs.create(asked.to_wanted(), asked.metadata)))

    async def all(self, request: Request) -> Response:
        """`?metadata[key]=value` asks for jobs with these values."""
        jobs = [job for job in await self._jobs.all() if _has_metadata(job, request)]
        return json_response(page([job_record(job) for job in jobs], request))

    async def retrieve(self, request: Request) -> Response:
        return json_response(job_record(await self._jobs.find(request.path_params["id"])))

    async def cancel(self, request: Request) -> Response:
        job = await self._jobs.stop(request.path_params["id"], "cancelled", cancel=True)
        return json_response(job_record(job))

    async def pause(self, request: Request) -> Response:
        return json_response(job_record(await self._jobs.stop(request.path_params["id"], "paused")))

    async def resume(self, request: Request) -> Response:
        return json_response(job_record(await self._jobs.resume(request.path_params["id"])))

    async def events(self, request: Request) -> Response:
        job, events = await self._told(request)
        return json_response(page(event_records(job, events), request))

    async def checkpoints(self, request: Request) -> Response:
        job, events = await self._told(request)
        return json_response(page(checkpoint_records(job, events), request, default=10))

    async def _told(self, request: Request) -> tuple[Job, list[Event]]:
        job = await self._jobs.find(request.path_params["id"])
        return job, await asyncio.to_thread(lambda: list(self._jobs.folder(job).events()))


def _has_metadata(job: Job, request: Request) -> bool:
    wanted = {
        name.removeprefix("metadata[").removesuffix("]"): value
        for name, value in request.query_params.items()
        if name.startswith("metadata[")
    }
    return wanted.items() <= job.metadata.items()
