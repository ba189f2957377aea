import pytest

from corral.database import Database, DatabaseFile, database_path
from corral.errors import LimitExceeded
from corral.keys import KeyRing, create_key, list_keys, read_new_key, revoke_key

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def open_ring(tmp_path):
    """Opens the keys of one folder, as often as a test likes, each time as another server would."""
    opened = []

    async def open_ring(clock=lambda: 1000.0):
        database = Database(database_path(tmp_path))
        opened.append((KeyRing(database, clock), database))
        return opened[-1][0]

    yield open_ring
    for ring, database in opened:
        await ring.close()
        await database.close()


@pytest.fixture
def other_process(tmp_path):
    file = DatabaseFile(database_path(tmp_path))
    yield file
    file.close()


def new(name="alice", **wanted):
    return read_new_key(name, 1000.0, **wanted)


async def test_a_key_is_found_by_its_secret(open_ring):
    ring, key = await open_ring(), new()
    await ring.create(key)
    assert (await ring.find(key.secret)).name == "alice"
    assert await ring.find(key.secret + "x") is None


async def test_looking_for_a_key_makes_no_file(open_ring, tmp_path):
    ring = await open_ring()
    assert await ring.find("corral-nothing") is None
    assert not await ring.any()
    assert list(tmp_path.iterdir()) == []


async def test_a_key_made_by_another_process_works_at_once(open_ring, other_process):
    ring, first, second = await open_ring(), new("first"), new("second")
    await ring.create(first)
    assert await ring.find(first.secret)
    other_process.write(lambda connection: create_key(connection, second))
    assert (await ring.find(second.secret)).name == "second"


async def test_a_key_revoked_by_another_process_stops_after_a_look(open_ring, other_process):
    ring, key = await open_ring(), new()
    await ring.create(key)
    assert await ring.find(key.secret)
    other_process.write(lambda connection: revoke_key(connection, "alice", 1000.0))
    await ring.refresh()
    assert await ring.find(key.secret) is None
    assert not await ring.any()


async def test_a_key_that_we_revoke_stops_at_once(open_ring):
    ring, key = await open_ring(), new()
    await ring.create(key)
    await ring.revoke("alice")
    assert await ring.find(key.secret) is None


async def test_a_key_ends_when_it_expires(open_ring):
    now = 1000.0
    ring, key = await open_ring(lambda: now), new(expires="1min")
    await ring.create(key)
    assert await ring.find(key.secret)
    now = 1060.0
    assert await ring.find(key.secret) is None


async def test_a_rate_is_kept_and_comes_back(open_ring):
    now = 1000.0
    ring, key = await open_ring(lambda: now), new(rate="2/min")
    await ring.create(key)
    holder = await ring.find(key.secret)
    ring.admit(holder)
    ring.admit(holder)
    with pytest.raises(LimitExceeded, match="rate of 2/min") as caught:
        ring.admit(holder)
    assert caught.value.retry_after_s == 30
    now = 1030.0
    ring.admit(holder)


async def test_as_many_requests_as_allowed_run_at_a_time(open_ring):
    ring, key = await open_ring(), new(concurrency=2)
    await ring.create(key)
    holder = await ring.find(key.secret)
    ring.admit(holder)
    ring.admit(holder)
    with pytest.raises(LimitExceeded, match="in progress"):
        ring.admit(holder)
    holder.leave()
    ring.admit(holder)


async def test_a_token_budget_survives_a_restart(open_ring):
    ring, key = await open_ring(), new(tokens="100/min")
    await ring.create(key)
    holder = await ring.find(key.secret)
    ring.admit(holder)
    ring.spend(holder, 60, 60)
    await ring.close()
    again = await open_ring()
    holder = await again.find(key.secret)
    with pytest.raises(LimitExceeded, match="token budget of 100/min") as caught:
        again.admit(holder)
    assert caught.value.retry_after_s == pytest.approx(12.6)


async def test_running_requests_and_budgets_outlive_a_change_of_the_keys(open_ring):
    ring, key = await open_ring(), new(concurrency=1)
    await ring.create(key)
    holder = await ring.find(key.secret)
    ring.admit(holder)
    await ring.create(new("bob"))
    assert await ring.find(key.secret) is holder
    with pytest.raises(LimitExceeded):
        ring.admit(holder)


async def test_what_keys_have_used_is_stored_and_shown(open_ring, other_process):
    ring, key = await open_ring(), new()
    await ring.create(key)
    holder = await ring.find(key.secret)
    ring.admit(holder)
    ring.spend(holder, 7, 3)
    (row,) = await ring.rows()
    assert (row.requests, row.prompt_tokens, row.completion_tokens) == (1, 7, 3)
    assert other_process.read(list_keys) == [row]
