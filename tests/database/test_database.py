import asyncio
import threading
import time

import pytest

from corral.database import Database
from corral.errors import StorageError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def database(tmp_path):
    opened = Database(tmp_path / "test.db")
    yield opened
    await opened.close()


def add_key(name):
    columns = "name, digest, hint, scopes, rate, tokens, concurrency, created_at"
    row = (name, f"digest of {name}", "", "infer", "", "", 0, 0.0)
    return lambda connection: connection.execute(
        f"INSERT INTO keys ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row
    )


def names(connection):
    return [row["name"] for row in connection.execute("SELECT name FROM keys ORDER BY id")]


async def test_calls_are_done_in_the_order_in_which_they_came(database):
    await asyncio.gather(*(database.write(add_key(str(number))) for number in range(20)))
    assert await database.read(names) == [str(number) for number in range(20)]


async def test_slow_work_does_not_hold_up_the_event_loop(database):
    release = threading.Event()
    slow = asyncio.ensure_future(database.read(lambda connection: release.wait(20)))
    began = time.monotonic()
    await asyncio.sleep(0)
    assert time.monotonic() - began < 10
    assert not slow.done()
    release.set()
    assert await slow


async def test_an_error_reaches_whoever_asked(database):
    await database.write(add_key("twice"))
    with pytest.raises(StorageError, match="UNIQUE"):
        await database.write(add_key("twice"))
    assert await database.read(names) == ["twice"]
