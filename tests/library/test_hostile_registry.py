"""What a registry must not be able to do: one clear error each, and nothing in the store."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import httpx
import pytest

from corral.core.digests import Digest
from corral.core.manifest import MEDIA_MODEL, MEDIA_SYSTEM
from corral.errors import CorralError
from corral.registry import Credentials, Login
from tests.helpers.fake_registry import FakeRegistry, mock_transport, served
from tests.helpers.shelf import Shelf

NAME = "registry.test/a/b:t"
LARGE = bytes(2_000_000)  # comes in parts, over connections of its own
SMALL = b"be brief"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("corral.registry.failures._MAX_WAIT_S", 0.001)
    monkeypatch.setattr("corral.registry.client._MANIFEST_PAUSES_S", ())


@pytest.fixture
def registry():
    return FakeRegistry()


def refused(shelf: Shelf, name: str = NAME, **options: bool) -> str:
    """The message of the error that a pull ends with; nothing may be left that looks whole."""
    with pytest.raises(CorralError) as caught:
        shelf.records(shelf.library.pull(name, **options))
    assert "\n" not in caught.value.message
    assert shelf.names == []
    assert not any(Digest.is_valid(path.name) for path in shelf.folder.rglob("*"))
    return caught.value.message


def pull_of(registry: FakeRegistry, folder) -> str:
    return refused(Shelf(folder, transport=registry.transport))


def manifest(**changes: object) -> bytes:
    layer = {"mediaType": MEDIA_SYSTEM, "digest": str(Digest.of(SMALL)), "size": len(SMALL)}
    return json.dumps({"schemaVersion": 2, "config": {}, "layers": [{**layer, **changes}]}).encode()


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:../../../../etc/passwd",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "g" * 64,
        "sha512:" + "a" * 128,
        "/etc/passwd",
        "sha256-" + "a" * 64 + "/../x",
    ],
)
def test_a_digest_of_the_wrong_form_is_refused(registry, tmp_path, digest):
    registry.manifests["a/b:t"] = manifest(digest=digest)
    assert pull_of(registry, tmp_path) == "invalid digest format"
    assert registry.seen("GET") == ["/v2/a/b/manifests/t"]


@pytest.mark.parametrize(
    "name",
    [
        "registry.test/../b",
        "registry.test/a/..",
        "../a/b",
        "registry.test/a/b:../t",
        "registry.test/a/b:..",
        "a/%2e%2e",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_before_anybody_is_asked(registry, tmp_path, name):
    assert refused(Shelf(tmp_path, transport=registry.transport), name) == "invalid model name"
    assert registry.requests == []


def test_a_manifest_that_is_too_large_is_refused(registry, tmp_path, monkeypatch):
    monkeypatch.setattr("corral.registry.client.MAX_MANIFEST", 1000)
    registry.manifests["a/b:t"] = manifest() + b" " * 1000
    message = pull_of(registry, tmp_path)
    assert message == "pull model manifest: the registry's answer is larger than 1000 bytes"


def test_a_manifest_that_is_nested_too_deep_is_refused(registry, tmp_path):
    registry.manifests["a/b:t"] = b'{"layers":' + b"[" * 200_000
    assert pull_of(registry, tmp_path).startswith("invalid manifest: ")


def test_a_manifest_of_manifests_is_refused(registry, tmp_path):
    body = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    registry.manifests["a/b:t"] = json.dumps(body).encode()
    assert pull_of(registry, tmp_path) == f"{NAME} is a list of images for several machines, not a model"


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"layers": 1}', b'{"layers":[{"size":"x"}]}', b"\xff"])
def test_a_manifest_that_is_none_is_refused(registry, tmp_path, data):
    registry.manifests["a/b:t"] = data
    assert pull_of(registry, tmp_path).startswith("invalid manifest: ")


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_redirect_to_a_private_address_is_refused(registry, tmp_path, content):
    registry.add_model("a/b:t", [(MEDIA_MODEL, content)])
    with served(registry) as host:
        # The registry is 127.0.0.1, which the user named; `localhost` is a private address that it did not.
        registry.storage = f"https://localhost:{host.partition(':')[2]}"
        message = refused(Shelf(tmp_path), f"{host}/a/b:t", insecure=True)
    assert message == "refused to follow a redirect to localhost: a private address"
    assert not any(path.startswith("/storage/") for path in registry.seen("GET"))


@pytest.mark.parametrize("target", ["http://other.test", "file:///etc", "ftp://registry.test"])
def test_a_redirect_without_encryption_is_refused(registry, tmp_path, target):
    registry.add_model("a/b:t", [(MEDIA_MODEL, SMALL)])
    registry.storage = target
    assert "refused to follow a redirect from registry.test" in pull_of(registry, tmp_path)


def test_a_redirect_to_no_address_is_refused(registry, tmp_path):
    registry.add_model("a/b:t", [(MEDIA_MODEL, SMALL)])
    registry.storage = "https://[::1"
    assert "Invalid URL in location header" in pull_of(registry, tmp_path)


def test_a_redirect_of_a_part_to_no_address_is_refused(registry, tmp_path):
    registry.add_model("a/b:t", [(MEDIA_MODEL, LARGE)])
    served_by = registry._stored

    def stored(request: httpx.Request, digest: str) -> httpx.Response:
        if "Range" in request.headers:
            return httpx.Response(307, headers={"Location": "https://[::1"})
        return served_by(request, digest)

    registry._stored = stored
    with served(registry) as host:
        message = refused(Shelf(tmp_path), f"{host}/a/b:t", insecure=True)
    assert message == "the registry sent us to no address: 'https://[::1'"


@pytest.mark.parametrize("realm", ["https://[", "https://registry.test:x/token", "https://[::1/token"])
def test_a_token_address_that_is_none_is_refused(registry, tmp_path, realm):
    registry.token, registry.realm = "T", realm
    assert "the registry sent us to no address" in pull_of(registry, tmp_path)


def test_what_a_registry_writes_cannot_move_the_cursor(tmp_path):
    transport = mock_transport(lambda request: httpx.Response(400, content=b"\x1b[2J\r\nowned\x07"))
    message = refused(Shelf(tmp_path, transport=transport))
    assert message == "pull model manifest: 400: [2J  owned"


def signed_in(folder, transport: httpx.AsyncBaseTransport) -> Shelf:
    Credentials(folder / "home").keep("registry.test", Login("me", "secret"))
    return Shelf(folder, transport=transport, home=folder / "home")


def test_a_login_is_not_sent_to_another_host_for_a_token(registry, tmp_path):
    registry.token, registry.realm = "T", "https://evil.test/token"
    message = refused(signed_in(tmp_path, registry.transport))
    assert message == (
        'pull model manifest: realm host "evil.test" does not match original host "registry.test"'
    )
    assert {request.url.host for request in registry.requests} == {"registry.test"}


def test_a_login_is_not_sent_over_plain_http_for_a_token(registry, tmp_path):
    registry.token, registry.realm = "T", "http://registry.test/token"
    message = refused(signed_in(tmp_path, registry.transport))
    assert message == (
        "pull model manifest: refused to ask http://registry.test for a token: it is not https"
    )


@pytest.mark.parametrize("where", ["https://evil.test", "https://registry.test:8443"])
def test_a_token_does_not_follow_a_redirect(registry, tmp_path, where):
    registry.token, registry.storage = "T", where
    registry.add_model("a/b:t", [(MEDIA_SYSTEM, SMALL)])
    shelf = Shelf(tmp_path, transport=registry.transport)
    shelf.records(shelf.library.pull(NAME))
    there = [request for request in registry.requests if request.url.path.startswith("/storage/")]
    assert [request.headers.get("Authorization") for request in there] == [None, None]


def bomb_for(registry: FakeRegistry, part: str) -> Callable[[httpx.Request], httpx.Response]:
    """The registry with one kind of answer packed: a kilobyte that would become a gigabyte."""

    def answer(request: httpx.Request) -> httpx.Response:
        response = registry.answer(request)
        if part in request.url.path and response.status_code == 200:
            # Made by hand: a Response that is told of gzip would unpack it at once.
            stream = type(registry._stream(b""))(gzip.compress(bytes(1_000_000)))
            return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)
        return response

    return answer


@pytest.mark.parametrize("part", ["/manifests/", "/token", "/blobs/"])
def test_an_answer_that_is_packed_is_never_unpacked(registry, tmp_path, part):
    registry.token = "T"
    registry.add_model("a/b:t", [(MEDIA_SYSTEM, SMALL)])
    shelf = Shelf(tmp_path, transport=mock_transport(bomb_for(registry, part)))
    assert "the registry's answer is compressed, which nobody asked for" in refused(shelf)


@pytest.mark.parametrize("size", [-1, -(2**62)])
def test_a_size_below_zero_is_refused(registry, tmp_path, size):
    registry.add_blob(SMALL)
    registry.manifests["a/b:t"] = manifest(size=size)
    message = pull_of(registry, tmp_path)
    assert message == f"invalid manifest: {Digest.of(SMALL)} has a size of {size}"


@pytest.mark.parametrize("size", [2**63, 10**30, 10**400], ids=["63 bits", "30 digits", "400 digits"])
def test_a_size_that_no_number_holds_is_refused(registry, tmp_path, size):
    registry.manifests["a/b:t"] = manifest(size=1).replace(b'"size": 1', b'"size": %d' % size)
    assert pull_of(registry, tmp_path).startswith("invalid manifest: ")


def test_a_size_that_no_disk_has_is_refused_before_anything_is_fetched(registry, tmp_path):
    registry.add_blob(SMALL)
    registry.manifests["a/b:t"] = manifest(size=2**60)
    assert pull_of(registry, tmp_path).startswith("not enough disk space: 1152921 TB are to come, ")
    assert registry.seen("GET") == ["/v2/a/b/manifests/t"]


@pytest.mark.parametrize("size", [0, len(SMALL) - 1])
def test_a_small_blob_that_is_larger_than_announced_is_refused(registry, tmp_path, size):
    registry.add_blob(SMALL)
    registry.manifests["a/b:t"] = manifest(size=size)
    message = pull_of(registry, tmp_path)
    assert message == f"the registry's answer is larger than {size} bytes"


@pytest.mark.parametrize("lie", [-1, 1, 10**12])
def test_a_large_blob_of_another_size_than_announced_is_refused(registry, tmp_path, lie):
    registry.add_model("a/b:t", [(MEDIA_MODEL, LARGE)])
    registry.lie = lie
    with served(registry) as host:
        message = refused(Shelf(tmp_path), f"{host}/a/b:t", insecure=True)
    assert message == f"the registry's blob has {len(LARGE) + lie} bytes, its manifest says {len(LARGE)}"


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_other_bytes_than_announced_are_refused(registry, tmp_path, content):
    registry.add_model("a/b:t", [(MEDIA_MODEL, content)])
    registry.blobs[str(Digest.of(content))] = b"x" * len(content)
    with served(registry) as host:
        message = refused(Shelf(tmp_path), f"{host}/a/b:t", insecure=True)
    assert message.startswith("digest mismatch, file must be downloaded again: want sha256:")
