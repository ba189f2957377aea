import logging

import httpx
import pytest
from starlette.responses import Response

from corral.monitor import Metrics, Monitor
from corral.server.app import App
from corral.server.hosts import Origins
from corral.server.routing import Route, Router

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def hello(request):
    return Response(f"hello {request.path_params.get('name', '')}".strip())


async def broken(request):
    raise ZeroDivisionError


ROUTES = [
    Route("GET", "/hello", hello),
    Route("POST", "/hello", hello),
    Route("GET", "/hello/:name", hello),
    Route("GET", "/broken", broken),
    Route("POST", "/v1/chat/completions", broken),
    Route("POST", "/v1/messages", broken),
]


async def nothing():
    return None


class OpenGate:
    async def admit(self, path, headers):
        return None


async def ask(method, path, *, host="localhost", check_host=True, **headers):
    router, origins, monitor = Router(ROUTES), Origins.configured(()), Monitor(Metrics(None))
    app = App(router, origins, OpenGate(), monitor, check_host=check_host, on_shutdown=nothing)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://localhost"
    ) as client:
        return await client.request(method, path, headers={"host": host, **headers})


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/hello", 200, "hello"),
        ("GET", "/hello/you", 200, "hello you"),
        ("GET", "/hello/you/too", 404, "404 page not found"),
        ("GET", "/nothing", 404, "404 page not found"),
        ("DELETE", "/hello", 405, "405 method not allowed"),
        ("POST", "/hello/", 307, ""),
    ],
)
async def test_a_path_and_a_method_find_their_endpoint(method, path, status, text):
    answer = await ask(method, path)
    assert (answer.status_code, answer.text) == (status, text)


async def test_a_method_that_is_not_allowed_is_told_which_are():
    assert (await ask("DELETE", "/hello")).headers["allow"] == "GET, POST"


async def test_a_key_that_a_client_put_in_the_wrong_place_is_not_logged(caplog):
    secret = "corral-abcdefghijklmnopqrst"
    caplog.set_level(logging.INFO, "corral.access")
    answer = await ask("DELETE", f"/hello/{secret}", **{"x-request-id": secret})
    assert answer.headers["x-request-id"].startswith("req_")
    assert "/hello/[removed]" in caplog.text
    assert secret not in caplog.text


async def test_a_slash_too_many_is_redirected_with_its_query():
    assert (await ask("GET", "/hello/?a=1")).headers["location"] == "/hello?a=1"


@pytest.mark.parametrize(
    ("name", "written"),
    [("a%0d%0aX-Evil:%201", "a%0D%0AX-Evil:%201"), ("%E2%82%AC", "%E2%82%AC"), ("%22%3E%3Cb", "%22%3E%3Cb")],
)
async def test_a_redirect_writes_a_name_as_it_must_be_in_an_address(name, written):
    answer = await ask("GET", f"/hello/{name}/?a=1&b='")
    assert answer.headers["location"] == f"/hello/{written}?a=1&b='"
    assert answer.text == f'<a href="/hello/{written}?a=1&amp;b=&#x27;">Moved Permanently</a>.\n\n'


async def test_a_host_of_others_is_refused_where_hosts_are_checked():
    assert (await ask("GET", "/hello", host="example.com")).status_code == 403
    assert (await ask("GET", "/hello", host="example.com", check_host=False)).status_code == 200


async def test_an_allowed_origin_may_read_the_answer():
    answer = await ask("GET", "/hello", origin="http://localhost:3000")
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


async def test_an_origin_of_others_is_refused():
    assert (await ask("GET", "/hello", origin="http://example.com")).status_code == 403


async def test_a_preflight_is_answered_without_an_endpoint():
    answer = await ask("OPTIONS", "/hello", origin="http://localhost:3000")
    assert answer.status_code == 204
    assert "POST" in answer.headers["access-control-allow-methods"]


async def test_every_answer_names_its_request():
    first, second = [(await ask("GET", "/hello")).headers["x-request-id"] for _ in range(2)]
    assert first.startswith("req_")
    assert first != second
    sent = {"x-request-id": "mine-1"}
    assert (await ask("GET", "/nothing", **sent)).headers["x-request-id"] == "mine-1"


async def test_a_surprise_is_answered_and_logged(caplog):
    with caplog.at_level(logging.ERROR, "corral.server"):
        answer = await ask("GET", "/broken")
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal error: see the server's log"}
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_what_went_wrong_inside_is_told_in_the_dialect_that_was_asked(path):
    answer = await ask("POST", path)
    error = answer.json()["error"]
    assert answer.status_code == 500
    assert (error["type"], error["message"]) == ("api_error", "internal error: see the server's log")
