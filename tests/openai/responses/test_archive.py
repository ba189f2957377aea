"""Conversations that go on from a response that was kept."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from corral import openai
from corral.core.events import Done, Text, Thinking, ToolCalls, Usage
from corral.core.messages import Message, ToolCall
from corral.database import Database, database_path
from corral.errors import NotFound, PreviousNotFound
from corral.openai.responses import archive as kept
from tests.helpers.scripted_road import ScriptedRoad, post, sse_events

pytestmark = pytest.mark.anyio
DONE = Done("stop", Usage(prompt_tokens=5, completion_tokens=3))


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def table(tmp_path):
    """The archive and who asks it: set `table.owner` to change the key of the next request."""
    table = Table(tmp_path)
    yield table
    await table.database.close()


class Table:
    def __init__(self, folder):
        self.path = database_path(folder)
        self.database = Database(self.path)
        self.owner = None
        self.archive = openai.Archive(self.database, lambda: self.owner)

    async def respond(self, *batches, **fields):
        """The answer, and the core request that the road was given."""
        road = ScriptedRoad(*(batches or ([Text("a"), DONE],)))
        body = {"model": "m"} | fields
        response = await post(openai.routes(road, None, self.archive), "/v1/responses", body)
        return response, road.requests[0] if road.requests else None

    def add_key(self, id):
        with closing(sqlite3.connect(self.path)) as connection, connection:
            values = (id, f"k{id}", f"d{id}")
            connection.execute(
                "INSERT INTO keys (id, name, digest, hint, scopes, rate, tokens, concurrency, created_at) "
                "VALUES (?, ?, ?, '', '', '', '', 0, 0)",
                values,
            )


async def test_a_conversation_goes_on_through_several_responses(table):
    first, _ = await table.respond([Thinking("r"), Text("hello"), DONE], input="hi")
    second, request = await table.respond(
        [ToolCalls((ToolCall("f", {"x": 1}, "c1"),)), DONE],
        input=[{"role": "user", "content": "call f"}],
        previous_response_id=first.json()["id"],
        instructions="be brief",
    )
    assert request.messages == (
        Message("system", "be brief"),
        Message("user", "hi"),
        Message("assistant", "hello", "r"),
        Message("user", "call f"),
    )
    assert second.json()["previous_response_id"] == first.json()["id"]
    output = {"type": "function_call_output", "call_id": "c1", "output": "1"}
    _, request = await table.respond(input=[output], previous_response_id=second.json()["id"])
    # Instructions hold for their own request only.
    assert [message.role for message in request.messages] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
    ]
    assert request.messages[-1].tool_name == "f"


async def test_a_streamed_response_is_kept_before_its_end_is_sent(table):
    response, _ = await table.respond([Text("a")], [Text("b"), DONE], input="hi", stream=True)
    name, data = sse_events(response.content)[-1]
    assert name == "response.completed"
    items = await table.archive.conversation(data["response"]["id"])
    assert [item["role"] for item in items] == ["user", "assistant"]
    assert items[1]["content"][0]["text"] == "ab"


@pytest.mark.parametrize(
    "fields", [{"input": "hi", "store": False}, {"input": ""}], ids=["not wanted", "nothing asked"]
)
async def test_some_responses_are_not_kept(table, fields):
    response, _ = await table.respond(**fields)
    with pytest.raises(NotFound):
        await table.archive.find(response.json()["id"])


async def test_going_on_from_what_is_not_kept_is_an_error_with_a_code(table):
    response, request = await table.respond(input="hi", previous_response_id="resp_x")
    assert (response.status_code, request) == (400, None)
    assert response.json()["error"] == {
        "message": "Previous response with id 'resp_x' not found.",
        "type": "invalid_request_error",
        "param": None,
        "code": "previous_response_not_found",
    }


async def test_a_conversation_with_a_missing_part_is_refused(table):
    first, _ = await table.respond(input="hi")
    second, _ = await table.respond(input="more", previous_response_id=first.json()["id"])
    await table.archive.delete(first.json()["id"])
    with pytest.raises(PreviousNotFound, match=first.json()["id"]):
        await table.archive.conversation(second.json()["id"])


async def test_each_key_sees_its_own_responses(table):
    response, _ = await table.respond(input="hi")
    id = response.json()["id"]
    table.add_key(1)
    table.owner = 1
    for ask in (table.archive.find, table.archive.delete):
        with pytest.raises(NotFound):
            await ask(id)
    with pytest.raises(PreviousNotFound):
        await table.archive.conversation(id)
    mine, _ = await table.respond(input="hi")
    assert (await table.archive.find(mine.json()["id"]))["output"] == mine.json()["output"]


async def test_a_response_is_kept_as_it_was_answered_until_it_is_deleted(table):
    response, _ = await table.respond(input="hi")
    id = response.json()["id"]
    assert await table.archive.find(id) == response.json()
    await table.archive.delete(id)
    with pytest.raises(NotFound):
        await table.archive.delete(id)


@pytest.mark.parametrize(
    ("bound", "value", "kept_after"),
    [("MOST_RESPONSES", 2, [1, 2]), ("MOST_BYTES", 1, []), ("KEEP_S", -1, [])],
)
async def test_what_is_beyond_the_bounds_is_forgotten(table, monkeypatch, bound, value, kept_after):
    monkeypatch.setattr(kept, bound, value)
    ids = [(await table.respond(input=f"{time.monotonic()}"))[0].json()["id"] for _ in range(3)]
    found = []
    for index, id in enumerate(ids):
        try:
            await table.archive.find(id)
        except NotFound:
            continue
        found.append(index)
    assert found == kept_after


async def test_a_full_disk_does_not_spoil_the_answer(table, caplog):
    table.path.mkdir(parents=True)
    response, _ = await table.respond(input="hi")
    assert response.status_code == 200
    assert "response not kept" in caplog.text
