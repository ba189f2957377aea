"""The jobs of a server without a server: its routes in this process, children that say what they are told."""

from __future__ import annotations

import json
from contextlib import aclosing

import httpx
import pytest

from corral import api, openai
from corral.database import Database, database_path
from corral.server.routing import Route, Router
from corral.settings import Settings
from corral.tune.files import Files
from corral.tune.jobs import Jobs, child
from tests.helpers.lora import build_lora
from tests.helpers.shelf import Shelf


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def shelf(tmp_path):
    """A store with the model `base`."""
    return Shelf(tmp_path)


@pytest.fixture
async def place(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(child, "WORKER", "tests.helpers.scripted_tuner")
    place = Place(shelf, tmp_path)
    async with place.client:
        yield place
        await place.end()


@pytest.fixture
def adapter(tmp_path):
    return build_lora(tmp_path / "trained.gguf", seed=1, width=64)


class Place:
    """Jobs over a store, and a client of their routes; `owner` is the key of the next request."""

    def __init__(self, shelf, home):
        self.shelf = shelf
        self.home = home / "corral"
        self.owner = None
        self.program = None  # a native engine, as the setting names it
        self.begin()

    def begin(self):
        """As a server that starts, before it looks at what another left."""
        self.database = Database(database_path(self.home))
        self.files = Files(self.home / "files", self.database, lambda: self.owner)
        settings = Settings(models=self.shelf.library.store.root, home=self.home, llama_server=self.program)
        self.jobs = Jobs(settings, self.database, self.shelf.library, self.files, lambda: self.owner)
        table = [*api.tune_routes(self.jobs), *openai.tuning_routes(self.files, self.jobs)]
        transport = httpx.ASGITransport(app=Router(Route(*row) for row in table))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://corral.test", timeout=30)

    async def end(self):
        await self.jobs.close()
        await self.database.close()

    async def send(self, data, name="examples.jsonl", purpose="fine-tune"):
        """The id of a file; `data` is bytes, or the steps of a child."""
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        form = {"files": {"file": (name, content)}, "data": {"purpose": purpose}}
        answer = await self.client.post("/v1/files", **form)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    async def create(self, steps, **fields):
        body = {"model": "base", "name": "me/helper", "files": [await self.send(steps)], **fields}
        answer = await self.client.post("/api/tune", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def post(self, path, body=None):
        return await self.client.post(f"/api/tune/{path}", json=body or {})

    async def show(self, id):
        return (await self.client.get(f"/api/tune/{id}")).json()

    async def ended(self, id):
        """The job at its end."""
        await self.reached(id, "stopped", "succeeded", "draft", "failed")
        return await self.show(id)

    async def reached(self, id, *states, event=None):
        """Wait for one of the states, or for an event of a kind."""
        async with aclosing(self.jobs.follow(id)) as records:
            async for record in records:
                if isinstance(record, tuple) and json.loads(record[1])["event"] == event:
                    return
                if not isinstance(record, tuple) and record.state in states:
                    return
        raise AssertionError(f"{id} reached none of {states}, {event}")

    async def events(self, id, query="follow=0"):
        answer = await self.client.get(f"/api/tune/{id}/events?{query}")
        return [json.loads(line) for line in answer.text.splitlines()]
