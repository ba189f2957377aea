from __future__ import annotations

import asyncio

import httpx
import pytest

from corral.errors import RegistryError
from corral.registry.guard import Border

HOME = httpx.URL("https://r.test")
HTTPS, HTTP = "https://r.test/a", "http://r.test/a"


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (HTTPS, "https://r.test/b"),
        (HTTPS, "https://storage.test/b"),
        (HTTP, "http://r.test/b"),
        (HTTP, "https://storage.test/b"),
    ],
)
def test_redirects_to_https_and_within_the_host_are_followed(source, target):
    Border(HOME).check_redirect(httpx.URL(source), httpx.URL(target))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (HTTPS, "http://r.test/b"),
        (HTTPS, "http://127.0.0.1/b"),
        (HTTP, "http://other.test/b"),
        (HTTPS, "file:///etc/passwd"),
    ],
)
def test_other_redirects_are_refused(source, target):
    with pytest.raises(RegistryError, match="refused to follow a redirect"):
        Border(HOME).check_redirect(httpx.URL(source), httpx.URL(target))


class Connection:
    """The border to the network: all that the check asks a connection for."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.closed = False

    def get_extra_info(self, name: str) -> tuple[str, int]:
        assert name == "server_addr"
        return self.address, 443

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def connect(address: str) -> Connection:
    connection = Connection(address)
    check = Border(HOME).trace(httpx.URL("https://storage.test/x"))
    assert check is not None
    try:
        asyncio.run(check("connection.connect_tcp.complete", {"return_value": connection}))
    except RegistryError:
        assert connection.closed
        raise
    return connection


def test_a_redirect_to_a_public_address_is_connected():
    assert not connect("93.184.215.14").closed


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%eth0", "fd00::1"]
)
def test_a_redirect_to_a_private_address_is_cut_before_anything_is_sent(address):
    with pytest.raises(RegistryError, match="private address"):
        connect(address)


def test_the_registry_itself_may_be_anywhere():
    assert Border(httpx.URL("http://localhost:5000")).trace(httpx.URL("http://localhost:5000/v2/")) is None


def test_hosts_that_the_user_trusts_may_be_anywhere():
    border = Border(HOME, frozenset({"minio.lab:9000"}))
    target = httpx.URL("http://minio.lab:9000/blob")
    border.check_redirect(httpx.URL(HTTP), target)
    border.check_address(target, "10.0.0.7")
    assert border.trace(target) is None
