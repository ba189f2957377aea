import httpx
import pytest
from starlette.responses import Response

from corral.database import Database, database_path
from corral.errors import InvalidInput
from corral.keys import KeyRing, read_new_key
from corral.monitor import Metrics, Monitor
from corral.server import build
from corral.server.access import NEEDED, Gate, current_holder, open_scopes
from corral.server.app import App
from corral.server.hosts import Origins
from corral.server.routing import Route, Router
from corral.settings import Address, Settings

pytestmark = pytest.mark.anyio
LOOPBACK = open_scopes((), loopback=True)
CLOSED = open_scopes((), loopback=False)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def ring(tmp_path):
    database = Database(database_path(tmp_path))
    opened = KeyRing(database)
    yield opened
    await opened.close()
    await database.close()


async def who(request):
    holder = current_holder.get()
    return Response(holder.name if holder else "anyone")


PATHS = ("/", "/api/chat", "/api/tags", "/api/pull", "/api/keys", "/v1/chat/completions", "/v1/messages")


async def ask(ring, path="/api/chat", *, free=CLOSED, **headers):
    async def nothing():
        return None

    router = Router(Route("GET", path, who) for path in PATHS)
    gate, monitor = Gate(ring, free), Monitor(Metrics(None))
    app = App(router, Origins.configured(()), gate, monitor, check_host=False, on_shutdown=nothing)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.get(path, headers=named)


async def make(ring, name="alice", **wanted):
    new = read_new_key(name, 1000.0, **wanted)
    await ring.create(new)
    return new.secret


def built(folder, **settings):
    return build(Settings(home=folder, models=folder / "models", identity=folder, **settings))


def test_every_path_of_the_server_says_which_scope_it_needs(tmp_path):
    assert set(built(tmp_path, share=True).paths) == NEEDED.keys()


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("::1", 200), ("0.0.0.0", 401), ("", 401)])
async def test_the_address_decides_whether_a_key_is_needed(tmp_path, host, status):
    app = built(tmp_path, address=Address(host=host))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/api/tags")).status_code == status


@pytest.mark.parametrize(
    ("words", "loopback", "scopes"),
    [
        ((), True, {"infer", "read", "manage", "admin"}),
        ((), False, set()),
        (("none",), True, set()),
        (("infer", "read"), True, {"infer", "read"}),
        (("infer", "read"), False, {"infer", "read"}),
    ],
)
def test_what_needs_no_key_follows_from_the_address_unless_it_is_set(words, loopback, scopes):
    assert open_scopes(words, loopback=loopback) == scopes


@pytest.mark.parametrize("words", [("admin",), ("everything",)])
def test_what_may_not_be_open_to_other_machines_is_refused(words):
    with pytest.raises(InvalidInput):
        open_scopes(words, loopback=False)


async def test_on_this_machine_no_key_is_needed(ring):
    assert (await ask(ring, free=LOOPBACK)).text == "anyone"


async def test_a_key_that_a_client_must_send_says_nothing(ring):
    answer = await ask(ring, free=LOOPBACK, authorization="Bearer ollama")
    assert (answer.status_code, answer.text) == (200, "anyone")


async def test_from_other_machines_a_key_is_needed_and_the_refusal_says_how_to_make_one(ring):
    answer = await ask(ring, "/api/pull")
    assert answer.status_code == 401
    assert "corral keys create NAME --scope infer,read,manage" in answer.json()["error"]
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_whether_the_server_lives_needs_no_key(ring):
    assert (await ask(ring, "/")).status_code == 200


@pytest.mark.parametrize("header", ["authorization", "x_api_key"])
async def test_a_key_lets_in_in_either_header(ring, header):
    secret = await make(ring)
    value = f"Bearer {secret}" if header == "authorization" else secret
    assert (await ask(ring, **{header: value})).text == "alice"


async def test_what_is_set_to_be_open_needs_no_key(ring):
    free = open_scopes(("infer", "read"), loopback=False)
    assert (await ask(ring, "/api/chat", free=free)).status_code == 200
    assert (await ask(ring, "/api/pull", free=free)).status_code == 401


async def test_a_key_without_the_scope_is_refused_even_where_none_is_needed(ring):
    secret = await make(ring, scopes=["read"])
    answer = await ask(ring, free=LOOPBACK, x_api_key=secret)
    assert answer.status_code == 403
    assert answer.json() == {"error": 'the key "alice" lacks the scope "infer", which /api/chat needs'}


async def test_a_key_of_ours_that_opens_nothing_is_refused_even_where_none_is_needed(ring):
    secret = await make(ring)
    await ring.revoke("alice")
    assert (await ask(ring, free=LOOPBACK, x_api_key=secret)).status_code == 401


async def test_keys_are_never_managed_without_one(ring):
    assert (await ask(ring, "/api/keys", free=LOOPBACK)).status_code == 401
    secret = await make(ring, scopes=["admin"])
    assert (await ask(ring, "/api/keys", free=LOOPBACK, x_api_key=secret)).status_code == 200


async def test_a_used_up_budget_says_when_to_come_again(ring):
    secret = await make(ring, rate="1/hour")
    assert (await ask(ring, x_api_key=secret)).status_code == 200
    answer = await ask(ring, x_api_key=secret)
    assert answer.status_code == 429
    assert 3590 <= int(answer.headers["retry-after"]) <= 3600


async def test_a_request_that_has_ended_makes_room_for_the_next(ring):
    secret = await make(ring, concurrency=1)
    assert [(await ask(ring, x_api_key=secret)).status_code for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("wanted", "status", "openai", "anthropic"),
    [
        ({"scopes": ["read"]}, 403, ("permission_error", "insufficient_permissions"), "permission_error"),
        ({"rate": "1/day"}, 429, ("rate_limit_error", "rate_limit_exceeded"), "rate_limit_error"),
    ],
)
async def test_each_dialect_refuses_in_its_own_form(ring, wanted, status, openai, anthropic):
    secrets = [await make(ring, name, **wanted) for name in ("a", "b")]
    paths = ("/v1/chat/completions", "/v1/messages")
    for path, secret in zip(paths, secrets, strict=True):  # the first request uses a rate up
        await ask(ring, path, x_api_key=secret)
    chat, message = [await ask(ring, path, x_api_key=key) for path, key in zip(paths, secrets, strict=True)]
    assert (chat.status_code, message.status_code) == (status, status)
    error = chat.json()["error"]
    assert (error["type"], error["code"]) == openai
    assert (message.json()["type"], message.json()["error"]["type"]) == ("error", anthropic)


async def test_a_missing_key_is_an_authentication_error_in_every_dialect(ring):
    chat, message = [await ask(ring, path) for path in ("/v1/chat/completions", "/v1/messages")]
    assert (chat.json()["error"]["type"], chat.json()["error"]["code"]) == (
        "authentication_error",
        "invalid_api_key",
    )
    assert message.json()["error"]["type"] == "authentication_error"
