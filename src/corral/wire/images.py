"""Images that a request names by URL: fetched before it is read, from the hosts that the operator allows.

Off unless the setting `image_hosts` names hosts. A host that is named may be anywhere; `*` stands for all
hosts of the internet, never for one of a private network: the address is checked on the connection itself.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
import msgspec

from corral.core.addresses import is_public
from corral.errors import InvalidInput
from corral.registry import REDIRECTS, proxy_of
from corral.wire.decode import parse_json

MAX_IMAGES = 16
MAX_BYTES = 20 * 1024 * 1024
_MAX_REDIRECTS = 4
_TIMEOUT_S = 20.0
_SCHEMES = ("http://", "https://")

Part = dict[str, Any]


class RemoteImages:
    """`hosts` are names, with a port where only that one is meant, or `*`."""

    def __init__(self, hosts: Sequence[str] = (), transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._transport = transport

    async def inlined(self, body: bytes) -> bytes:
        """The body of a request with the images themselves in place of their URLs. Raises InvalidInput."""
        if not self._hosts or b"http" not in body:
            return body
        value = parse_json(body)
        remote = [part for part in _parts(value) if _url_of(part)]
        if len(remote) > MAX_IMAGES:
            raise InvalidInput(f"too many images by URL: at most {MAX_IMAGES} are fetched for a request")
        for part in remote:
            _put(part, base64.b64encode(await self._fetch(_url_of(part))).decode())
        return msgspec.json.encode(value) if remote else body

    async def _fetch(self, text: str) -> bytes:
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=_TIMEOUT_S) as client:
                url = httpx.URL(text)
                for _ in range(_MAX_REDIRECTS + 1):
                    target, data = await self._get(client, url)
                    if target is None:
                        return data
                    url = target
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failed(text, str(error) or type(error).__name__) from error
        raise _failed(text, "too many redirects")

    async def _get(self, client: httpx.AsyncClient, url: httpx.URL) -> tuple[httpx.URL | None, bytes]:
        """Where a redirect leads, or None and the image."""
        self._check(url)
        extensions = {} if self._may_be_private(url) else {"trace": _refuse_private}
        async with client.stream("GET", url, extensions=extensions) as answer:
            if answer.status_code in REDIRECTS and "location" in answer.headers:
                return url.join(answer.headers["location"]), b""
            if answer.status_code != 200:
                raise _failed(str(url), f"status {answer.status_code}")
            data = bytearray()
            async for chunk in answer.aiter_bytes():
                data += chunk
                if len(data) > MAX_BYTES:
                    raise _failed(str(url), f"larger than {MAX_BYTES} bytes")
            return None, bytes(data)

    def _check(self, url: httpx.URL) -> None:
        if url.scheme not in ("http", "https"):
            raise _failed(str(url), "only http and https are spoken")
        if "*" not in self._hosts and not self._names(url):
            raise _failed(str(url), f"the setting image_hosts does not name {url.host}")

    def _names(self, url: httpx.URL) -> bool:
        return url.host in self._hosts or url.netloc.decode() in self._hosts

    def _may_be_private(self, url: httpx.URL) -> bool:
        # With a proxy the connection goes to the proxy, which the operator chose.
        return self._names(url) or bool(proxy_of(url))


async def _refuse_private(event: str, info: Mapping[str, Any]) -> None:
    if event != "connection.connect_tcp.complete":
        return
    stream = info["return_value"]
    address = stream.get_extra_info("server_addr")
    if not address or not is_public(address[0]):
        await stream.aclose()
        raise InvalidInput("could not fetch an image: its host is in a private network")


def _failed(url: str, reason: str) -> InvalidInput:
    return InvalidInput(f"could not fetch the image {url}: {reason}")


def _parts(body: object) -> Iterator[Part]:
    """The parts of all messages and items, those within the results of tools too."""
    found = body if isinstance(body, dict) else {}
    for message in (*_dicts(found.get("messages")), *_dicts(found.get("input"))):
        for part in (*_dicts(message.get("content")), *_dicts(message.get("output"))):
            yield part
            yield from _dicts(part.get("content"))


def _dicts(value: object) -> Iterator[Part]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _url_of(part: Part) -> str:
    """The URL of an image elsewhere, in whatever dialect; empty where the part is none."""
    match part:
        case {"type": "image_url" | "input_image", "image_url": str(url)}:
            pass
        case {"type": "image_url" | "input_image", "image_url": {"url": str(url)}}:
            pass
        case {"type": "image", "source": {"type": "url", "url": str(url)}}:
            pass
        case _:
            return ""
    return url if url.startswith(_SCHEMES) else ""


def _put(part: Part, data: str) -> None:
    if part["type"] == "image":
        part["source"] = {"type": "base64", "data": data}
    else:
        part["image_url"] = f"data:;base64,{data}"
