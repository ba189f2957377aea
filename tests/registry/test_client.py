from __future__ import annotations

import asyncio

import httpx
import pytest

from corral.core.names import ModelName
from corral.errors import AccessDenied, NotFound, RegistryError
from corral.registry import RegistryClient
from tests.helpers.fake_registry import FakeRegistry

NAME = ModelName("registry.test", "a", "b", "t")


def fetch(transport: httpx.AsyncBaseTransport, **options: bool) -> bytes:
    async def run() -> bytes:
        async with RegistryClient(NAME, transport=transport, **options) as client:
            return await client.fetch_manifest()

    return asyncio.run(run())


def test_a_manifest_comes_byte_for_byte():
    registry = FakeRegistry(manifests={"a/b:t": b'{ "odd":  "spacing" }\n'})
    assert fetch(registry.transport) == b'{ "odd":  "spacing" }\n'


def test_an_unknown_model_does_not_exist():
    with pytest.raises(NotFound, match=r"^file does not exist$"):
        fetch(FakeRegistry().transport)


def test_other_refusals_show_status_and_body():
    transport = httpx.MockTransport(lambda request: httpx.Response(503, text="come back later\n"))
    with pytest.raises(RegistryError, match=r"^503: come back later$"):
        fetch(transport)


def test_a_failed_connection_names_the_address():
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(
        RegistryError, match=r'^Get "https://registry\.test/v2/a/b/manifests/t": connection ref'
    ):
        fetch(httpx.MockTransport(refuse))


def test_insecure_means_http_for_everything():
    registry = FakeRegistry(manifests={"a/b:t": b"{}"})
    fetch(registry.transport, insecure=True)
    assert str(registry.requests[0].url) == "http://registry.test/v2/a/b/manifests/t"


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

    async def other(request: httpx.Request) -> httpx.Response:
        answer = await registry._answer(request)
        return httpx.Response(200, json={"token": "wrong"}) if request.url.path == "/token" else answer

    with pytest.raises(AccessDenied, match=r"^unauthorized: access denied$"):
        fetch(httpx.MockTransport(other))


def test_the_key_is_never_shown_to_another_host():
    registry = FakeRegistry(token="T", realm="https://evil.test/token")
    with pytest.raises(RegistryError) as caught:
        fetch(registry.transport)
    assert caught.value.message == 'realm host "evil.test" does not match original host "registry.test"'


def test_redirects_end_somewhere():
    def loop(request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"Location": str(request.url)})

    with pytest.raises(RegistryError, match="maximum redirects exceeded"):
        fetch(httpx.MockTransport(loop))


def test_a_manifest_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("corral.registry.client.MAX_MANIFEST", 100)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=b" " * 101))
    with pytest.raises(RegistryError, match="larger than 100 bytes"):
        fetch(transport)
