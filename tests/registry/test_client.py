from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from corral.core.names import ModelName
from corral.errors import AccessDenied, NotFound, RegistryError
from corral.registry import Endpoint, Login, RegistryClient
from tests.helpers.fake_registry import FakeRegistry, mock_transport

NAME = ModelName("registry.test", "a", "b", "t")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr("corral.registry.client._MANIFEST_PAUSES_S", (0.0, 0.0))


def fetch(transport: httpx.AsyncBaseTransport, *, base: str = "https://registry.test", **known: Any) -> bytes:
    async def run() -> bytes:
        endpoint = Endpoint(base=httpx.URL(base), **known)
        async with RegistryClient(NAME, endpoint, transport=transport) as client:
            return await client.fetch_manifest()

    return asyncio.run(run())


def test_a_manifest_comes_byte_for_byte():
    registry = FakeRegistry(manifests={"a/b:t": b'{ "odd":  "spacing" }\n'})
    assert fetch(registry.transport) == b'{ "odd":  "spacing" }\n'


def test_an_unknown_model_does_not_exist():
    with pytest.raises(NotFound, match=r"^file does not exist$"):
        fetch(FakeRegistry().transport)


def test_a_registry_that_is_busy_is_asked_again():
    registry = FakeRegistry(manifests={"a/b:t": b"{}"})
    busy = [429, 500]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(busy.pop()) if busy else registry.answer(request)

    assert fetch(mock_transport(answer)) == b"{}"


def test_other_refusals_show_status_and_body():
    transport = mock_transport(lambda request: httpx.Response(503, text="come back later\n"))
    with pytest.raises(RegistryError, match=r"^503: come back later$"):
        fetch(transport)


def test_a_failed_connection_names_the_address():
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(
        RegistryError, match=r'^Get "https://registry\.test/v2/a/b/manifests/t": connection ref'
    ):
        fetch(mock_transport(refuse))


def test_a_mirror_is_told_whose_models_are_asked_for():
    registry = FakeRegistry(manifests={"a/b:t": b"{}"})
    with pytest.raises(NotFound):
        fetch(registry.transport, base="http://mirror.test/store", of_host="other.test")
    assert str(registry.requests[0].url) == "http://mirror.test/store/v2/a/b/manifests/t?ns=other.test"


def test_a_challenge_is_answered_with_a_token():
    registry = FakeRegistry(manifests={"a/b:t": b"{}"}, token="T")
    assert fetch(registry.transport) == b"{}"
    assert [request.url.path for request in registry.requests] == [
        "/v2/a/b/manifests/t",
        "/token",
        "/v2/a/b/manifests/t",
    ]


def test_a_token_that_does_not_help_is_an_access_error():
    registry = FakeRegistry(token="T")

    def other(request: httpx.Request) -> httpx.Response:
        answer = registry.answer(request)
        return httpx.Response(200, json={"token": "wrong"}) if request.url.path == "/token" else answer

    with pytest.raises(AccessDenied, match=r"^unauthorized: access denied$"):
        fetch(mock_transport(other))


def test_the_key_is_never_shown_to_another_host():
    registry = FakeRegistry(token="T", realm="https://evil.test/token")
    with pytest.raises(RegistryError) as caught:
        fetch(registry.transport)
    assert caught.value.message == 'realm host "evil.test" does not match original host "registry.test"'


def test_redirects_end_somewhere():
    def loop(request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"Location": str(request.url)})

    with pytest.raises(RegistryError, match="maximum redirects exceeded"):
        fetch(mock_transport(loop))


def test_a_manifest_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("corral.registry.client.MAX_MANIFEST", 100)
    transport = mock_transport(lambda request: httpx.Response(200, content=b" " * 101))
    with pytest.raises(RegistryError, match="larger than 100 bytes"):
        fetch(transport)


LOGIN = Login("me", "secret")


def test_a_password_is_shown_when_the_registry_asks_for_one():
    registry = FakeRegistry(manifests={"a/b:t": b"{}"}, basic=LOGIN.basic)
    assert fetch(registry.transport, login=LOGIN) == b"{}"
    assert [request.headers.get("Authorization") for request in registry.requests] == [None, LOGIN.basic]


def test_a_password_buys_a_token():
    registry = FakeRegistry(manifests={"a/b:t": b"{}"}, token="T", basic=LOGIN.basic)
    registry.basic, realm_login = "", registry.basic

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            assert request.headers["Authorization"] == realm_login
        return registry.answer(request)

    assert fetch(mock_transport(answer), login=LOGIN) == b"{}"


def test_a_token_of_the_user_is_shown_as_it_is():
    registry = FakeRegistry(manifests={"a/b:t": b"{}"}, token="hf_abc")
    assert fetch(registry.transport, login=Login(token="hf_abc")) == b"{}"


def test_without_a_login_a_password_is_not_asked_for_twice():
    registry = FakeRegistry(basic=LOGIN.basic)
    with pytest.raises(AccessDenied) as caught:
        fetch(registry.transport)
    assert (caught.value.message, caught.value.hint) == (
        "unauthorized: access denied",
        "to sign in there: corral login registry.test",
    )
    assert len(registry.requests) == 1


def test_a_wrong_password_is_an_access_error():
    registry = FakeRegistry(basic=LOGIN.basic)
    with pytest.raises(AccessDenied, match=r"^unauthorized: access denied$"):
        fetch(registry.transport, login=Login("me", "wrong"))


def test_a_token_host_that_the_user_trusts_may_be_asked():
    registry = FakeRegistry(manifests={"a/b:t": b"{}"}, token="T", realm="https://auth.test/token")
    assert fetch(registry.transport, login=LOGIN, trust=frozenset({"auth.test"})) == b"{}"


def test_a_login_stays_with_its_host():
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "registry.test" or "Authorization" not in request.headers
        if request.url.host != "registry.test":
            return httpx.Response(401, headers={"WWW-Authenticate": "Basic"})
        if "Authorization" not in request.headers:
            return httpx.Response(401, headers={"WWW-Authenticate": "Basic"})
        return httpx.Response(307, headers={"Location": "https://other.test/x"})

    with pytest.raises(RegistryError, match=r"^401"):
        fetch(mock_transport(answer), login=LOGIN)


def test_the_program_says_which_version_of_the_protocol_it_speaks():
    registry = FakeRegistry(manifests={"a/b:t": b"{}"})
    fetch(registry.transport)
    assert registry.requests[0].headers["User-Agent"].startswith("ollama/0.33.0 (")
