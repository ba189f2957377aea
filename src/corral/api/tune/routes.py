"""The endpoints of `/api/tune`: plan, start, watch, stop, resume, publish and delete jobs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from corral.api.progress import stream_reply
from corral.api.replies import hinted_response, json_response
from corral.api.tune.records import event_record, job_record, line_record
from corral.api.tune.shapes import PublishIn, TuneIn
from corral.core import gojson
from corral.tune.events import DataRead, Failed, Planned
from corral.tune.jobs import LOG, Job, Jobs, Wanted, raised
from corral.wire import (
    Handler,
    Streaming,
    asked_number,
    decode_json,
    handled,
    is_asked,
    read_body,
    watch_disconnect,
)


def tune_routes(jobs: Jobs) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route."""
    tune = _Tune(jobs)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/api/tune", tune.list),
        ("POST", "/api/tune", tune.create),
        ("POST", "/api/tune/plan", tune.plan),
        ("GET", "/api/tune/:id", tune.show),
        ("DELETE", "/api/tune/:id", tune.delete),
        ("GET", "/api/tune/:id/events", tune.events),
        ("GET", "/api/tune/:id/log", tune.log),
        ("GET", "/api/tune/:id/report", tune.report),
        ("POST", "/api/tune/:id/stop", tune.stop),
        ("POST", "/api/tune/:id/resume", tune.resume),
        ("POST", "/api/tune/:id/publish", tune.publish),
    ]
    return [(method, path, handled(endpoint, hinted_response)) for method, path, endpoint in table]


class _Tune:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def list(self, request: Request) -> Response:
        return json_response({"jobs": [job_record(job) for job in await self._jobs.all()]})

    async def create(self, request: Request) -> Response:
        job = await self._jobs.create(await _wanted(request))
        return json_response(job_record(job), status=201)

    async def plan(self, request: Request) -> Response | Streaming:
        """The report on the data and the plan, as events or, with `stream` false, in one object."""
        body = decode_json(await read_body(request), TuneIn)
        events = self._jobs.plan(body.to_wanted())
        if body.stream:
            lines = (gojson.encode(event_record(event)) async for event in events)
            return await watch_disconnect(request, stream_reply(lines, events.aclose, hinted_response))
        return await watch_disconnect(request, _whole_plan(self._jobs, body.to_wanted()))

    async def show(self, request: Request) -> Response:
        job = await self._jobs.find(request.path_params["id"])
        events = await asyncio.to_thread(lambda: list(self._jobs.folder(job).events()))
        reports = [event.report for event in events if isinstance(event, DataRead)]
        return json_response(job_record(job) | ({"data": reports[-1]} if reports else {}))

    async def delete(self, request: Request) -> Response:
        await self._jobs.delete(request.path_params["id"])
        return Response()

    async def events(self, request: Request) -> Response | Streaming:
        """`?from=N` leaves out the first N events, `?follow=0` ends with what there is."""
        position = asked_number(request, "from", 0, most=sys.maxsize)
        follow = "follow" not in request.query_params or is_asked(request, "follow")
        records = self._jobs.follow(request.path_params["id"], position, follow=follow)
        return await stream_reply(_lines(records), records.aclose, hinted_response)

    async def log(self, request: Request) -> Response:
        job = await self._jobs.find(request.path_params["id"])
        path = self._jobs.folder(job).path / LOG
        text = await asyncio.to_thread(path.read_bytes) if path.exists() else b""
        return Response(text, headers={"content-type": "text/plain; charset=utf-8"})

    async def report(self, request: Request) -> Response:
        page = await self._jobs.report(request.path_params["id"])
        policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
        return Response(page, headers=headers)

    async def stop(self, request: Request) -> Response:
        return json_response(job_record(await self._jobs.stop(request.path_params["id"])))

    async def resume(self, request: Request) -> Response:
        return json_response(job_record(await self._jobs.resume(request.path_params["id"])))

    async def publish(self, request: Request) -> Response:
        body = decode_json(await read_body(request) or b"{}", PublishIn)
        job = await self._jobs.publish(request.path_params["id"], body.name)
        return json_response(job_record(job))


async def _wanted(request: Request) -> Wanted:
    return decode_json(await read_body(request), TuneIn).to_wanted()


async def _whole_plan(jobs: Jobs, wanted: Wanted) -> Response:
    """Raises what the child failed with."""
    out: dict[str, Any] = {}
    async with aclosing(jobs.plan(wanted)) as events:
        async for event in events:
            if isinstance(event, Failed):
                raise raised(event)
            if isinstance(event, DataRead):
                out["data"] = event.report
            elif isinstance(event, Planned):
                out["plan"] = event_record(event)
    return json_response(out)


async def _lines(records: AsyncGenerator[Job | tuple[int, bytes], None]) -> AsyncGenerator[bytes, None]:
    async for record in records:
        if isinstance(record, Job):
            yield gojson.encode({"event": "state", "state": record.state, "job": job_record(record)})
        elif line := line_record(*record):
            yield line
