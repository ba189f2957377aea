"""Certificates and proxies: the ways to a registry, for small requests and for parts of blobs alike."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
import threading
from collections.abc import Iterator

import httpx
import pytest

from corral.core.digests import Digest
from corral.core.names import ModelName
from corral.errors import RegistryError
from corral.registry import Endpoint, Progress, RegistryClient, download_blob
from corral.server.tls import certificate
from corral.settings import Settings
from tests.helpers.fake_registry import FakeRegistry, served

DATA = random.Random(1).randbytes(300_000)
DIGEST = Digest.of(DATA)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("corral.registry.partial.MIN_PART", 100_000)
    monkeypatch.setattr("corral.registry.failures._MAX_WAIT_S", 0.01)


@pytest.fixture
def registry():
    found = FakeRegistry(manifests={"a/b:t": b"{}"})
    found.add_blob(DATA)
    return found


def bring(endpoint: Endpoint, folder) -> bytes:
    """Fetch the manifest and the blob; returns the blob."""

    async def run() -> None:
        async with RegistryClient(ModelName("any", "a", "b", "t"), endpoint) as client:
            await client.fetch_manifest()
            url = client.url(f"blobs/{DIGEST}")
            await download_blob(client, url, DIGEST, folder / "blob", Progress(total=len(DATA)))

    asyncio.run(run())
    return (folder / "blob").read_bytes()


def test_own_certificates_are_trusted_when_the_configuration_says_so(registry, tmp_path):
    files = certificate(Settings(tls="self-signed", home=tmp_path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.chain, files.key)
    with served(registry, context) as host:
        base = httpx.URL(f"https://{host}")
        assert bring(Endpoint(base=base, ca=str(files.chain)), tmp_path) == DATA
        with pytest.raises(RegistryError, match=r"(?i)certificate"):
            bring(Endpoint(base=base), tmp_path / "other")


@contextlib.contextmanager
def proxy(target: str, heads: list[bytes]) -> Iterator[str]:
    """A proxy that keeps the head of each request, and leads everything to `target`."""
    listener = socket.create_server(("127.0.0.1", 0))
    host, _, port = target.partition(":")

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection((host, int(port))) as server, contextlib.suppress(OSError):
            data = client.recv(65536)
            heads.append(data)
            if data.startswith(b"CONNECT"):
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                server.sendall(data)
            upwards = threading.Thread(target=pump, args=(client, server), daemon=True)
            upwards.start()
            pump(server, client)
            upwards.join()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_plain_requests_go_through_the_proxy_of_the_environment(registry, tmp_path, monkeypatch):
    heads: list[bytes] = []
    with served(registry) as host, proxy(host, heads) as address:
        monkeypatch.setenv("http_proxy", f"http://user:pass@{address}")
        assert bring(Endpoint(base=httpx.URL("http://registry.test")), tmp_path) == DATA
    assert heads
    assert all(b" http://registry.test/v2/a/b/" in head.split(b"\r\n")[0] for head in heads)
    assert all(b"proxy-authorization: basic dxnlcjpwyxnz" in head.lower() for head in heads)


def test_encrypted_requests_go_through_a_tunnel_of_the_proxy(registry, tmp_path, monkeypatch):
    files = certificate(Settings(tls="self-signed", home=tmp_path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.chain, files.key)
    heads: list[bytes] = []
    with served(registry, context) as host, proxy(host, heads) as address:
        monkeypatch.setenv("https_proxy", f"http://{address}")
        endpoint = Endpoint(base=httpx.URL("https://localhost:5000"), ca=str(files.chain))
        assert bring(endpoint, tmp_path) == DATA
    assert all(head.startswith(b"CONNECT localhost:5000 ") for head in heads)


def test_hosts_that_need_no_proxy_are_asked_directly(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with served(registry) as host:
        assert bring(Endpoint(base=httpx.URL(f"http://{host}")), tmp_path) == DATA
