"""Looking for models where a registry offers it.

Hugging Face has a search of its own (the Hub's API, `GET /api/models`); other registries list their
repositories (`GET /v2/_catalog`, of the OCI distribution specification), and the words are looked for in that
list here. The registry of Ollama offers neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from corral.core import checked_json
from corral.core.names import DEFAULT_HOST
from corral.errors import CorruptData, NotFound, RegistryError, Unsupported
from corral.registry.client import RegistryClient, Request
from corral.registry.hosts import HUGGING_FACE_NAMES

T = TypeVar("T")
_MAX_ANSWER = 16 * 1024**2
_MAX_CATALOG = 10_000  # names that are looked through


@dataclass(frozen=True, slots=True)
class FoundModel:
    """`name` can be pulled as it is; counts are None and the time empty where the registry does not tell."""

    name: str
    downloads: int | None = None
    likes: int | None = None
    modified_at: str = ""


class _HubModel(msgspec.Struct, rename="camel"):
    id: str = ""
    downloads: int = 0
    likes: int = 0
    last_modified: str = ""


class _Catalog(msgspec.Struct):
    repositories: list[str] | None = None


async def search(client: RegistryClient, words: Sequence[str], limit: int) -> list[FoundModel]:
    """At most `limit` models whose names hold all `words`, the best known first.

    `client` is one for any name of the host. Raises Unsupported, RegistryError, AccessDenied.
    """
    host = client.name.host
    if host == DEFAULT_HOST:
        raise Unsupported(f"{host} offers no search", hint="leave --registry out to search Hugging Face")
    return await (_search_hub if host in HUGGING_FACE_NAMES else _search_catalog)(client, words, limit)


async def _search_hub(client: RegistryClient, words: Sequence[str], limit: int) -> list[FoundModel]:
    query = {"search": " ".join(words), "filter": "gguf", "sort": "downloads", "limit": limit, "full": "true"}
    models = await _read(client, f"/api/models?{urlencode(query)}", list[_HubModel])
    return [FoundModel(f"hf.co/{m.id}", m.downloads, m.likes, m.last_modified) for m in models[:limit]]


async def _search_catalog(client: RegistryClient, words: Sequence[str], limit: int) -> list[FoundModel]:
    try:
        catalog = await _read(client, f"/v2/_catalog?n={_MAX_CATALOG}", _Catalog)
    except NotFound as error:
        raise Unsupported(f"{client.name.host} offers no search") from error
    names = _matching(catalog.repositories or (), words)
    return [FoundModel(f"{client.name.host}/{name}") for name in names[:limit]]


def _matching(names: Iterable[str], words: Sequence[str]) -> list[str]:
    lowered = [word.lower() for word in words]
    return sorted(name for name in names if all(word in name.lower() for word in lowered))


async def _read(client: RegistryClient, path: str, shape: type[T]) -> T:
    url = client.endpoint.base.join(path)
    data = await client.read(Request(method="GET", url=url), _MAX_ANSWER)
    try:
        return checked_json.decode(data, shape, "JSON")
    except CorruptData as error:
        raise RegistryError(f"the answer of {client.name.host} cannot be read: {error.message}") from error
