"""Push: a model from the store to a registry. Source: registry.md sections 9, 10 and 12."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx

from corral.core.digests import Digest
from corral.core.manifest import Layer
from corral.core.names import ModelName
from corral.core.requests import ProgressRecord
from corral.errors import InvalidName, RegistryError
from corral.library.access import read_hosts
from corral.library.pull import unique
from corral.library.watch import Transfers
from corral.registry import Progress, RegistryClient, Sessions, upload_blob
from corral.settings import Settings
from corral.store import Store

_MAX_MOUNTS = 2  # attempts to have a blob from another repository; each costs a request


class Pusher:
    """Publishes models. `transport` replaces the network in tests."""

    def __init__(
        self, store: Store, settings: Settings, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self._transport = transport
        self._sessions = Sessions(settings.home / "uploads")

    async def push(self, text: str, *, insecure: bool) -> AsyncGenerator[ProgressRecord, None]:
        """Publish the model `text` under its own name. Raises CorralError."""
        yield ProgressRecord("retrieving manifest")
        name = await self._named(text)
        if not await asyncio.to_thread(self._store.manifests.has, name):
            yield ProgressRecord("couldn't retrieve manifest")
            raise RegistryError(f"model '{text}' not found")
        manifest = (await asyncio.to_thread(self._store.manifests.read, name)).manifest
        hosts = await asyncio.to_thread(read_hosts, self._settings)
        endpoint = hosts.endpoint(name.host, insecure=insecure)
        async with RegistryClient(name, endpoint, transport=self._transport) as client:
            for layer in unique((*manifest.layers, manifest.config)):
                async with aclosing(self._send(client, layer)) as records:
                    async for record in records:
                        yield record
            yield ProgressRecord("pushing manifest")
            await client.store_manifest(manifest)
        yield ProgressRecord("success")

    async def _named(self, text: str) -> ModelName:
        try:
            name = ModelName.parse(text)
        except InvalidName as error:
            raise RegistryError(f"unqualified name: {text}") from error
        return await asyncio.to_thread(self._store.manifests.canonical, name)

    async def _send(self, client: RegistryClient, layer: Layer) -> AsyncGenerator[ProgressRecord, None]:
        digest = Digest.parse(layer.digest)
        path = self._store.blobs.path(digest)
        mount_from = await asyncio.to_thread(self._holders, client.name, layer)

        async def transfer(progress: Progress) -> None:
            await upload_blob(client, digest, path, progress, sessions=self._sessions, mount_from=mount_from)

        # Uploads belong to one request each: nobody else could use their session.
        async with aclosing(Transfers().watch(digest, layer.size, transfer)) as looks:
            async for progress in looks:
                yield ProgressRecord(
                    f"pushing {digest.short}", str(digest), progress.total, progress.completed
                )

    def _holders(self, name: ModelName, layer: Layer) -> list[str]:
        """Repositories there that may hold the layer: where it came from, and those that share it."""
        found = [_repository(layer.origin)]
        found += [
            f"{stored.name.namespace}/{stored.name.model}"
            for stored in self._store.manifests.list()
            if stored.name.host == name.host and layer.digest in stored.manifest.digests
        ]
        own = f"{name.namespace}/{name.model}"
        return [repository for repository in dict.fromkeys(found) if repository not in ("", own)][
            :_MAX_MOUNTS
        ]


def _repository(origin: str) -> str:
    """`namespace/model` of the model that a layer came from; empty when it came from no model."""
    try:
        name = ModelName.parse(origin)
    except InvalidName:
        return ""
    return f"{name.namespace}/{name.model}"
