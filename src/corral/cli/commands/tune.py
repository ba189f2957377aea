"""`tune BASE`: a model and examples in, a tuned model out; and the jobs that do it. Page: docs/tuning.md."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corral.cli.client import Client
from corral.cli.errors import INTERRUPTED, CommandError, ServerError
from corral.cli.invocation import Invocation
from corral.cli.output import print_json, print_json_line
from corral.cli.progress import Display
from corral.cli.table import print_table
from corral.cli.tune.base import base_name
from corral.cli.tune.following import records, watch
from corral.cli.tune.jobs import HEADER, all_jobs, find_job, job_text, row
from corral.cli.tune.request import check_choices, described, named_files, uploaded
from corral.cli.tune.texts import data_text, event_text, plan_text, result_text

Record = Mapping[str, Any]


def run(call: Invocation) -> int:
    first, *rest = call.args
    action = _ACTIONS.get(first)
    if action is None:
        return _tune(call)
    if len(rest) != (0 if first == "ls" else 1):
        raise CommandError(f"usage: {call.program} tune {first}{'' if first == 'ls' else ' JOB'}")
    return action(call)


def _tune(call: Invocation) -> int:
    files = named_files(call)
    check_choices(call)
    client = call.client()
    body = described(call, base_name(client, call.args[0], call.program))
    with Display() as display, uploaded(client, files, display) as fields:
        body |= fields
        if call.is_set("dry-run"):
            planned = _planned(client, body)
        else:
            job = client.call("POST", "/api/tune", body)
    if call.is_set("dry-run"):
        return _show_plan(call, planned)
    if call.is_set("detach"):
        print(job["id"])
        return 0
    return _watch(call, client, job, is_new=True)


def _planned(client: Client, body: Mapping[str, object]) -> list[dict[str, Any]]:
    """Raises CommandError with what the server refuses, in the words of a job that is refused."""
    try:
        return list(client.stream("/api/tune/plan", body))
    except ServerError as error:
        raise CommandError(error.detail, hint=error.hint) from error


def _show_plan(call: Invocation, events: list[dict[str, Any]]) -> int:
    found = {event["event"]: event for event in events}
    failed = found.get("failed")
    if call.is_set("json"):
        print_json({"data": found.get("data", {}).get("report"), "plan": found.get("plan"), "error": failed})
        return 1 if failed else 0
    if "data" in found:
        sys.stdout.write(data_text(found["data"]["report"]))
    if failed:
        raise CommandError(failed["message"], hint=failed.get("hint") or None)
    if "plan" in found:
        sys.stdout.write(plan_text(found["plan"]))
    return 0


def _watch(call: Invocation, client: Client, job: Record, *, is_new: bool = False) -> int:
    """Show a job to its end. A new one that never began to train is not kept: its user sees why here."""
    try:
        job = _followed(call, client, job["id"])
    except KeyboardInterrupt:
        print(
            f"\nThe job goes on in the server. To watch it again: {call.program} tune logs -f {job['id']}\n"
            f"To stop it, with a checkpoint: {call.program} tune stop {job['id']}",
            file=sys.stderr,
        )
        return INTERRUPTED
    job = client.call("GET", f"/api/tune/{job['id']}")
    status = _ended(call, job)
    if error := job.get("error"):
        if is_new and "progress" not in job:
            client.call("DELETE", f"/api/tune/{job['id']}")
        raise CommandError(error["message"], hint=error["hint"] or None)
    return status


def _followed(call: Invocation, client: Client, id: str) -> Record:
    if not call.is_set("json"):
        return watch(client, id)
    job: Record = {"id": id}
    for record in records(client, id):
        print_json_line(record)
        job = record.get("job", job)
    return job


def _ended(call: Invocation, job: Record) -> int:
    """What came of it, and the exit status; bad data is shown with all that was found in it."""
    if not call.is_set("json"):
        sys.stdout.write(result_text(job, call.program))
        if "error" in job and "progress" not in job and "data" in job:
            sys.stdout.write(data_text(job["data"]))
    return 0 if job["state"] == "succeeded" else 1


def _list(call: Invocation) -> int:
    jobs = all_jobs(call.client())
    if call.is_set("json"):
        print_json({"jobs": jobs})
    else:
        now = time.time()
        print_table(HEADER, [row(job, now) for job in jobs])
    return 0


def _show(call: Invocation) -> int:
    client = call.client()
    job = client.call("GET", f"/api/tune/{find_job(client, call.args[1])['id']}")
    if target := call.text("report"):
        Path(target).write_text(client.text(f"/api/tune/{job['id']}/report"), encoding="utf-8")
        print(f"wrote {target}", file=sys.stderr)
    elif call.is_set("json"):
        print_json(job)
    else:
        sys.stdout.write(job_text(job))
        if "data" in job:
            sys.stdout.write(data_text(job["data"]))
        if "plan" in job:
            sys.stdout.write(plan_text(job["plan"]))
        sys.stdout.write(result_text(job, call.program))
    return 0


def _logs(call: Invocation) -> int:
    client = call.client()
    job = find_job(client, call.args[1])
    if call.is_set("process"):
        sys.stdout.write(client.text(f"/api/tune/{job['id']}/log"))
    elif call.is_set("follow"):
        return _watch(call, client, job)
    else:
        for record in records(client, job["id"], follow=False):
            if call.is_set("json"):
                print_json_line(record)
            elif text := event_text(record):
                print(text)
    return 0


def _stop(call: Invocation) -> int:
    client = call.client()
    job = find_job(client, call.args[1])
    stopping = client.call("POST", f"/api/tune/{job['id']}/stop")
    if stopping["state"] == "stopping":
        print("writing a checkpoint", file=sys.stderr)
        for _ in records(client, job["id"]):  # to its end
            pass
    print(f"stopped '{job['id']}'")
    return 0


def _resume(call: Invocation) -> int:
    client = call.client()
    job = client.call("POST", f"/api/tune/{find_job(client, call.args[1])['id']}/resume")
    if call.is_set("detach"):
        print(job["id"])
        return 0
    return _watch(call, client, job)


def _remove(call: Invocation) -> int:
    client = call.client()
    job = find_job(client, call.args[1])
    client.call("DELETE", f"/api/tune/{job['id']}")
    print(f"deleted '{job['id']}'")
    return 0


def _publish(call: Invocation) -> int:
    client = call.client()
    job = find_job(client, call.args[1])
    job = client.call("POST", f"/api/tune/{job['id']}/publish", {"name": call.text("name")})
    print(f"created '{job['published']}'")
    return 0


_ACTIONS = {
    "ls": _list,
    "show": _show,
    "logs": _logs,
    "stop": _stop,
    "resume": _resume,
    "rm": _remove,
    "publish": _publish,
}
