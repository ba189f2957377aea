"""Kept chats over HTTP."""

import json

import httpx
import pytest

from corral import api
from corral.chats import Chats
from corral.database import Database, database_path
from corral.server.routing import Route, Router

pytestmark = pytest.mark.anyio
HELLO = {"id": "m1", "role": "user", "content": "Hello", "data": {"images": ["aGk="]}}


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def client(tmp_path):
    database = Database(database_path(tmp_path))
    chats = Chats(database, lambda: None, shared=True)
    router = Router(Route(*route) for route in api.chat_routes(chats))
    transport = httpx.ASGITransport(app=router)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
    await database.close()


async def test_a_chat_lives_from_its_making_to_its_end(client):
    made = await client.post(
        "/api/chats", json={"id": "c1", "title": "One", "messages": [HELLO], "head": "m1"}
    )
    assert (made.status_code, made.json()["revision"]) == (201, 1)
    changed = await client.patch("/api/chats/c1", json={"revision": 1, "title": "Two"})
    assert (changed.status_code, changed.json()["title"]) == (200, "Two")
    listed = (await client.get("/api/chats")).json()
    assert [chat["title"] for chat in listed["chats"]] == ["Two"]
    found = (await client.get("/api/chats", params={"q": "hell"})).json()["chats"]
    assert found[0]["match"] == {"message": "m1", "text": "Hello"}
    whole = (await client.get("/api/chats/c1")).json()
    assert [(one["content"], one["data"]) for one in whole["messages"]] == [("Hello", {"images": ["aGk="]})]
    assert (await client.delete("/api/chats/c1")).status_code == 200
    assert (await client.get("/api/chats/c1")).status_code == 404


async def test_a_change_of_an_old_revision_is_a_conflict(client):
    await client.post("/api/chats", json={"id": "c1"})
    await client.patch("/api/chats/c1", json={"revision": 1, "title": "Two"})
    late = await client.patch("/api/chats/c1", json={"revision": 1, "title": "Three"})
    assert (late.status_code, late.json()) == (
        409,
        {"error": "the chat has been changed elsewhere: it is at revision 2"},
    )


async def test_a_chat_that_the_client_has_is_not_sent_again(client):
    await client.post("/api/chats", json={"id": "c1"})
    first = await client.get("/api/chats/c1")
    assert (
        await client.get("/api/chats/c1", headers={"if-none-match": first.headers["etag"]})
    ).status_code == 304
    await client.patch("/api/chats/c1", json={"revision": 1, "title": "Two"})
    assert (
        await client.get("/api/chats/c1", headers={"if-none-match": first.headers["etag"]})
    ).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/chats", {"messages": "all"}),
        ("POST", "/api/chats", {"id": "a/b"}),
        ("PATCH", "/api/chats/c1", {"title": "no revision"}),
        ("GET", "/api/chats?limit=0", None),
        ("GET", "/api/chats?limit=many", None),
        ("GET", "/api/chats?cursor=x", None),
        ("GET", "/api/chats/export?format=pdf", None),
        ("POST", "/api/chats/import", {"chats": []}),
    ],
)
async def test_what_cannot_be_is_one_clear_error(client, method, path, body):
    await client.post("/api/chats", json={"id": "c1"})
    answer = await client.request(method, path, json=body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}


@pytest.mark.parametrize("form", ["json", "markdown"])
async def test_all_that_was_exported_is_imported(client, form):
    for number in (1, 2):
        body = {"id": f"c{number}", "title": f"Chat {number}", "messages": [HELLO], "head": "m1"}
        await client.post("/api/chats", json=body)
    file = await client.get("/api/chats/export", params={"format": form})
    assert "attachment" in file.headers["content-disposition"]
    assert (await client.post("/api/chats/import", content=file.content)).json()["skipped"] == 2
    for number in (1, 2):
        await client.delete(f"/api/chats/c{number}")
    assert (await client.post("/api/chats/import", content=file.content)).json()["imported"] == 2
    titles = [chat["title"] for chat in (await client.get("/api/chats")).json()["chats"]]
    assert sorted(titles) == ["Chat 1", "Chat 2"]


async def test_an_export_without_chats_is_a_file_too(client):
    assert json.loads((await client.get("/api/chats/export")).content) == {"corral_chats": 1, "chats": []}
