"""What operators ask of a running server: pulls, drafts, uploads, the log, captured requests."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import aclosing

import anyio
import httpx
import pytest

from corral.monitor import Capture, Exchange, RecentLog
from corral.server import build
from corral.server.routing import Router
from corral.server.watching import Asked, followed, watching_routes
from corral.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def recent():
    return RecentLog()


def client(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")


@pytest.fixture
async def server(tmp_path, recent):
    settings = Settings(home=tmp_path, models=tmp_path / "models", identity=tmp_path)
    async with client(build(settings, recent)) as asked:
        yield asked


def write(recent, *messages, level=logging.INFO):
    for message in messages:
        recent.handle(logging.LogRecord("corral.test", level, "", 0, message, (), None))


async def test_the_log_is_told_from_the_oldest_line_on(server, recent):
    write(recent, "one", "two", "three")
    answer = await server.get("/api/logs", params={"lines": 2})
    assert [json.loads(line)["msg"] for line in answer.text.splitlines()] == ["two", "three"]


async def test_the_log_can_be_followed(recent):
    write(recent, "too old", "before")
    async with aclosing(followed(recent, Asked(level=logging.INFO, limit=1, after=0))) as chunks:
        assert [json.loads(line)["msg"] for line in (await anext(chunks)).splitlines()] == ["before"]
        write(recent, "noise", level=logging.DEBUG)
        write(recent, "one", "two")
        assert [json.loads(line)["msg"] for line in (await anext(chunks)).splitlines()] == ["one", "two"]


async def test_who_saw_all_lines_gets_none(server, recent):
    write(recent, "before")
    assert (await server.get("/api/logs", params={"after": 1})).text == ""


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"level": "loud"}, 'level must be one of trace, debug, info, warning, error, not "loud"'),
        ({"lines": "-1"}, 'lines must be a whole number, not "-1"'),
        ({"after": "x"}, 'after must be a whole number, not "x"'),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(server, query, message):
    answer = await server.get("/api/logs", params=query)
    assert (answer.status_code, answer.json()) == (400, {"error": message})


async def test_captured_requests_need_a_key_even_on_this_machine(server):
    assert (await server.get("/api/captures")).status_code == 401


async def captures(capture):
    async with client(Router(watching_routes(RecentLog(), capture))) as asked:
        return (await asked.get("/api/captures", params={"limit": 2})).json()


async def test_it_is_said_that_nothing_is_captured_and_how_to_change_that():
    answer = await captures(None)
    assert (answer["mode"], answer["requests"]) == ("off", [])
    assert "CORRAL_CAPTURE" in answer["hint"]


async def test_captured_requests_are_told_newest_first_and_without_long_bodies(tmp_path):
    capture = Capture(tmp_path, "full")
    for number, text in enumerate(("first", "second ", "third " * 5000)):
        exchange = Exchange(f"req_{number}", "POST", "/api/chat", status=200)
        exchange.body = bytearray(json.dumps({"prompt": text}).encode())
        capture.write(exchange)
    capture.close()
    answer = await captures(capture)
    assert answer["mode"] == "full"
    newest, second = answer["requests"]
    assert "characters: see" in newest["body"]
    assert (second["request_id"], second["body"]) == ("req_1", {"prompt": "second "})


async def test_an_upload_without_a_digest_is_hashed_on_the_way(server, tmp_path):
    data = b"x" * 3_000_000
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    answer = await server.post("/api/blobs", content=data)
    assert (answer.status_code, answer.json()) == (201, {"digest": digest, "size": len(data)})
    assert (await server.head(f"/api/blobs/{digest}")).status_code == 200
    assert len(list((tmp_path / "models" / "blobs").iterdir())) == 1


async def test_a_modelfile_is_checked_while_it_is_written(server):
    async def check(text):
        return (await server.post("/api/modelfile", json={"modelfile": text})).json()

    bad = await check("FROM pocket\nPARAMETER a 1")
    assert bad["problems"] == [{"line": 2, "message": "unknown parameter 'a'"}]
    good = await check("FROM nowhere\nPARAMETER seed 1")
    assert (good["problems"], good["missing_base"]) == ([], "nowhere")
    assert good["request"] == {"from": "nowhere", "parameters": {"seed": 1}}


async def ended_pulls(server):
    """The list of pulls, when the first of them has come to its end."""
    for _ in range(2000):
        listed = (await server.get("/api/pulls")).json()["pulls"]
        if listed and listed[0]["result"] != "running":
            return listed
        await anyio.sleep(0.01)
    raise AssertionError("it runs on")


async def test_a_pull_in_the_background_tells_why_it_failed(server):
    started = await server.post("/api/pulls", json={"model": "127.0.0.1:1/a/b", "insecure": True})
    assert started.status_code == 202
    assert started.json()["background"]
    name = started.json()["model"]
    listed = await ended_pulls(server)
    assert [(pull["model"], pull["result"]) for pull in listed] == [(name, "failed")]
    assert "dial tcp 127.0.0.1:1: connect: connection refused" in listed[0]["error"]
    forgotten = await server.request("DELETE", "/api/pulls", json={"model": name})
    assert forgotten.status_code == 200
    assert (await server.get("/api/pulls")).json() == {"pulls": []}
    again = await server.request("DELETE", "/api/pulls", json={"model": name})
    assert again.status_code == 404


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(("model", "status"), [("", 400), ("a b", 400)])
async def test_a_pull_without_a_name_is_refused(server, method, model, status):
    answer = await server.request(method, "/api/pulls", json={"model": model})
    assert answer.status_code == status
