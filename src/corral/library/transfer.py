"""Pull and push: a model between the store and a registry. Source: registry.md sections 7, 9 and 12."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx

from corral.core.digests import Digest
from corral.core.manifest import MEDIA_TENSOR, Layer, Manifest, decode_manifest
from corral.core.names import ModelName, parse_reference
from corral.core.requests import ProgressRecord
from corral.errors import CorralError, InvalidInput, InvalidName, RegistryError, Unsupported
from corral.library.pins import Pins, remove_unused
from corral.library.reading import or_nothing
from corral.library.watch import Transfers
from corral.registry import KeyPair, Progress, RegistryClient, download_blob, upload_blob
from corral.settings import Settings
from corral.store import Store


class Exchange:
    """Moves models. `transport` replaces the network in tests."""

    def __init__(
        self, store: Store, settings: Settings, pins: Pins, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self._pins = pins
        self._transport = transport
        self._downloads = Transfers()

    async def pull(self, target: ModelName, *, insecure: bool) -> AsyncGenerator[ProgressRecord, None]:
        """Fetch the model `target`. Raises CorralError; what has arrived is kept for the next pull."""
        name = await asyncio.to_thread(self._store.manifests.canonical, target)
        yield ProgressRecord("pulling manifest")
        data = await self._fetch_manifest(name, insecure=insecure)
        manifest = decode_manifest(data)
        layers = _checked_layers(name, manifest)
        with self._pins.hold() as hold:
            hold.add(layer.digest for layer in layers)
            for layer in layers:
                async with aclosing(self._fetch(name, layer, insecure=insecure)) as records:
                    async for record in records:
                        yield record
            # Each blob was hashed while it was written: nothing is left to do, but clients know the step.
            yield ProgressRecord("verifying sha256 digest")
            yield ProgressRecord("writing manifest")
            unused = await asyncio.to_thread(self._write, name, manifest, data)
            if unused:
                yield ProgressRecord("removing unused layers")
                await asyncio.to_thread(remove_unused, self._store, unused, self._pins)
        yield ProgressRecord("success")

    async def _fetch_manifest(self, name: ModelName, *, insecure: bool) -> bytes:
        try:
            async with self._client(name, insecure=insecure) as client:
                return await client.fetch_manifest()
        except CorralError as error:
            raise RegistryError(f"pull model manifest: {error.message}", hint=error.hint) from error

    def _client(self, name: ModelName, *, insecure: bool) -> RegistryClient:
        key = KeyPair.load(self._settings.identity)
        return RegistryClient(name, insecure=insecure, key=key, transport=self._transport)

    async def _fetch(
        self, name: ModelName, layer: Layer, *, insecure: bool
    ) -> AsyncGenerator[ProgressRecord, None]:
        digest = Digest.parse(layer.digest)
        status = f"pulling {digest.short}"
        if await asyncio.to_thread(self._store.blobs.has, digest):
            size = await asyncio.to_thread(self._store.blobs.size, digest)
            yield ProgressRecord(status, str(digest), size, size)
            return

        async def transfer(progress: Progress) -> None:
            # A client of its own: the transfer goes on for others when the one who began it leaves.
            async with self._client(name, insecure=insecure) as client:
                await download_blob(client, digest, self._store.blobs.path(digest), progress)

        async with aclosing(self._downloads.watch(digest, layer.size, transfer)) as looks:
            async for progress in looks:
                yield ProgressRecord(status, str(digest), progress.total, progress.completed)

    def _write(self, name: ModelName, manifest: Manifest, data: bytes) -> set[str]:
        """Write the manifest as it came; the digests that the model it replaces had beyond it."""
        manifests = self._store.manifests
        old = or_nothing(lambda: manifests.read(name).manifest) if manifests.has(name) else None
        manifests.write(name, data)
        if old is None or self._settings.no_prune:
            return set()
        return set(old.digests) - set(manifest.digests)

    async def push(self, text: str, *, insecure: bool) -> AsyncGenerator[ProgressRecord, None]:
        """Publish the model `text` under its own name. Raises CorralError."""
        yield ProgressRecord("retrieving manifest")
        name = await self._named(text)
        if not await asyncio.to_thread(self._store.manifests.has, name):
            yield ProgressRecord("couldn't retrieve manifest")
            raise RegistryError(f"model '{text}' not found")
        manifest = (await asyncio.to_thread(self._store.manifests.read, name)).manifest
        async with self._client(name, insecure=insecure) as client:
            for layer in _unique((*manifest.layers, manifest.config)):
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

        async def transfer(progress: Progress) -> None:
            await upload_blob(client, digest, path, progress, mount_from=_repository(layer.origin))

        # Uploads belong to one request each: nobody else could use their session.
        async with aclosing(Transfers().watch(digest, layer.size, transfer)) as looks:
            async for progress in looks:
                yield ProgressRecord(
                    f"pushing {digest.short}", str(digest), progress.total, progress.completed
                )


def pull_name(text: str) -> ModelName:
    """The name to pull; a name in the cloud is a name of the registry. Raises InvalidName."""
    try:
        reference = parse_reference(text)
        return stored_name(reference.text, cloud=reference.cloud)
    except InvalidInput as error:
        raise InvalidName("invalid model name") from error


def stored_name(base: str, *, cloud: bool) -> ModelName:
    """How a model in the cloud is called in a store: `m:20b-cloud`, or `m:cloud` without a tag."""
    name = ModelName.parse(base)
    if not cloud:
        return name
    has_tag = ":" in base.rpartition("/")[2]
    return ModelName(name.host, name.namespace, name.model, f"{name.tag}-cloud" if has_tag else "cloud")


def _checked_layers(name: ModelName, manifest: Manifest) -> list[Layer]:
    """Layers, then config, each digest once. Raises Unsupported, RegistryError, InvalidInput."""
    if any(layer.media_type == MEDIA_TENSOR for layer in manifest.layers):
        raise Unsupported("this model requires MLX support, but the MLX runtime is not available")
    if any(not layer.digest for layer in manifest.layers):
        raise RegistryError(f"{name.namespace}/{name.model}: digest is empty")
    layers = _unique((*manifest.layers, manifest.config))
    for layer in layers:
        Digest.parse(layer.digest)
    return layers


def _unique(layers: tuple[Layer, ...]) -> list[Layer]:
    return list({layer.digest: layer for layer in layers if layer.digest}.values())


def _repository(origin: str) -> str:
    """`namespace/model` of the model that a layer came from; empty when it came from no model."""
    try:
        name = ModelName.parse(origin)
    except InvalidName:
        return ""
    return f"{name.namespace}/{name.model}"
