"""Pull: a model from a registry into the store. Source: registry.md sections 7, 8, 12 and 14."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import httpx

from corral.core.digests import Digest
from corral.core.manifest import (
    MEDIA_INDEXES,
    MEDIA_SOURCE,
    MEDIA_TENSOR,
    Layer,
    Manifest,
    SourceFile,
    decode_manifest,
    decode_source,
    encode_source,
)
from corral.core.names import ModelName
from corral.core.requests import ProgressRecord
from corral.core.units import human_bytes
from corral.errors import CorralError, CorruptData, RegistryError, StorageError, Unsupported
from corral.library.access import read_hosts
from corral.library.facts import CreateRequest
from corral.library.pins import Pins, remove_unused
from corral.library.reading import layers_of, or_nothing
from corral.library.watch import Transfers
from corral.registry import (
    HUGGING_FACE_NAMES,
    SMALL,
    Endpoint,
    Progress,
    RegistryClient,
    RemoteFile,
    bytes_to_come,
    choose_files,
    download_blob,
    fetch_small,
    list_files,
)
from corral.settings import Settings
from corral.store import Store

log = logging.getLogger("corral.library")

_MAX_SIZE = 2**62  # bytes; no blob has as many, and what is above is no number for a disk

Create = Callable[[CreateRequest], AsyncGenerator[ProgressRecord, None]]


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as a registry has it: a manifest, or the files that a model is to be made of."""

    endpoint: Endpoint
    data: bytes = b""
    files: tuple[RemoteFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A blob to bring, and where it is if not under its digest."""

    digest: Digest
    size: int
    url: httpx.URL | None = None


class Puller:
    """Brings models. `create` makes one of files; `transport` replaces the network in tests."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        pins: Pins,
        create: Create,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._pins = pins
        self._create = create
        self._transport = transport
        self._downloads = Transfers()

    async def pull(self, target: ModelName, *, insecure: bool) -> AsyncGenerator[ProgressRecord, None]:
        """Fetch the model `target`. Raises CorralError; what has arrived is kept for the next pull."""
        name = await asyncio.to_thread(self._store.manifests.canonical, target)
        yield ProgressRecord("pulling manifest")
        offer = await self.find(name, insecure=insecure)
        steps = self._pull_files(name, offer) if offer.files else self._pull_manifest(name, offer)
        with self._pins.hold() as hold:
            hold.add(_digests(offer))
            async with aclosing(steps) as records:
                async for record in records:
                    yield record
        yield ProgressRecord("success")

    # What there is

    async def find(self, name: ModelName, *, insecure: bool = False) -> Offer:
        """The model as the first of its endpoints has it. Raises RegistryError."""
        hosts = await asyncio.to_thread(read_hosts, self._settings)
        *mirrors, own = hosts.endpoints(name.host, insecure=insecure)
        notes = []
        for mirror in mirrors:
            try:
                return await self._offer(name, mirror)
            except CorralError as error:
                log.info("the mirror %s has no %s for us: %s", mirror.base, name, error.message)
                notes.append(f"its mirror {mirror.base} said: {error.message}")
        try:
            return await self._offer(name, own)
        except CorralError as error:
            hint = "; ".join([*notes, *([error.hint] if error.hint else [])])
            raise RegistryError(f"pull model manifest: {error.message}", hint=hint or None) from error

    async def _offer(self, name: ModelName, endpoint: Endpoint) -> Offer:
        async with RegistryClient(name, endpoint, transport=self._transport) as client:
            try:
                return Offer(endpoint, await client.fetch_manifest())
            except CorralError as error:
                if name.host.lower() not in HUGGING_FACE_NAMES:
                    raise
                return Offer(endpoint, files=await _chosen(client, error))

    # A model with a manifest

    async def _pull_manifest(self, name: ModelName, offer: Offer) -> AsyncGenerator[ProgressRecord, None]:
        manifest = decode_manifest(offer.data)
        layers = _checked_layers(name, manifest)
        wanted = [Wanted(Digest.parse(layer.digest), layer.size) for layer in layers]
        async with aclosing(self._fetch_all(name, offer.endpoint, wanted)) as records:
            async for record in records:
                yield record
        # Each blob was hashed while it was written: nothing is left to do, but clients know the step.
        yield ProgressRecord("verifying sha256 digest")
        yield ProgressRecord("writing manifest")
        unused = await asyncio.to_thread(self._write, name, manifest, offer.data)
        if unused:
            yield ProgressRecord("removing unused layers")
            await asyncio.to_thread(remove_unused, self._store, unused, self._pins)

    def _write(self, name: ModelName, manifest: Manifest, data: bytes) -> set[str]:
        """Write the manifest as it came; the digests that the model it replaces had beyond it."""
        manifests = self._store.manifests
        old = or_nothing(lambda: manifests.read(name).manifest) if manifests.has(name) else None
        manifests.write(name, data)
        if old is None or self._settings.no_prune:
            return set()
        return set(old.digests) - set(manifest.digests)

    # A model of files

    async def _pull_files(self, name: ModelName, offer: Offer) -> AsyncGenerator[ProgressRecord, None]:
        """Bring the files, make a model of them, and note in it what it was made of."""
        if await asyncio.to_thread(or_nothing, lambda: self._is_whole(name, offer)):
            return
        wanted = [Wanted(file.digest, file.size, file.url) for file in offer.files]
        merged = sum(file.size for file in offer.files if file.is_shard)
        async with aclosing(self._fetch_all(name, offer.endpoint, wanted, beside=merged)) as records:
            async for record in records:
                yield record
        yield ProgressRecord("verifying sha256 digest")
        request = CreateRequest(model=name.full, files={file.name: str(file.digest) for file in offer.files})
        async with aclosing(self._create(request)) as records:
            async for record in records:
                if record.status != "success":
                    yield record
        await asyncio.to_thread(self._note_source, name, offer)

    def _note_source(self, name: ModelName, offer: Offer) -> None:
        """Add the layer that tells the files, and remove those that went into another one."""
        files = [SourceFile(file.name, str(file.digest), file.size) for file in offer.files]
        data = encode_source(files)
        layer = Layer(MEDIA_SOURCE, str(self._store.blobs.add_bytes(data)), len(data))
        made = self._store.manifests.read(name).manifest
        manifest = Manifest(made.schema_version, made.media_type, made.config, (*made.layers, layer))
        self._store.manifests.write(name, manifest.encode())
        if not self._settings.no_prune:
            self._store.remove_unused(str(file.digest) for file in offer.files)

    def _is_whole(self, name: ModelName, offer: Offer) -> bool:
        """Whether the model is current and nothing of it is missing. Raises CorralError for a damaged one."""
        if not self.is_current(name, offer):
            return False
        layers = _checked_layers(name, self._store.manifests.read(name).manifest)
        return all(self._has(Wanted(Digest.parse(layer.digest), layer.size)) for layer in layers)

    def is_current(self, name: ModelName, offer: Offer) -> bool:
        """Whether the model of that name in the store is the one that was offered. Raises ModelNotFound."""
        if not self._store.manifests.has(name):
            return False
        stored = self._store.manifests.read(name)
        if not offer.files:
            return stored.raw == offer.data
        for layer in layers_of(stored.manifest, MEDIA_SOURCE):
            files = decode_source(self._store.blobs.read(Digest.parse(layer.digest)))
            return {file.digest for file in files} == {str(file.digest) for file in offer.files}
        return False

    # Blobs

    async def _fetch_all(
        self, name: ModelName, endpoint: Endpoint, wanted: Sequence[Wanted], *, beside: int = 0
    ) -> AsyncGenerator[ProgressRecord, None]:
        """Bring all blobs; `beside` are bytes that will be needed for what is made of them."""
        await asyncio.to_thread(self._check_space, wanted, beside)
        for blob in wanted:
            async with aclosing(self._fetch(name, endpoint, blob)) as records:
                async for record in records:
                    yield record

    def _has(self, blob: Wanted) -> bool:
        """Whether the blob is there in full; one of another size was damaged, and is brought again."""
        return self._store.blobs.has(blob.digest) and self._store.blobs.size(blob.digest) == blob.size

    def _check_space(self, wanted: Sequence[Wanted], beside: int) -> None:
        """Raises StorageError when the disk cannot hold what is missing: better now than in an hour."""
        missing = [blob for blob in wanted if not self._has(blob)]
        paths = ((self._store.blobs.path(blob.digest), blob.size) for blob in missing)
        needed = beside + sum(bytes_to_come(path, size) for path, size in paths)
        free = shutil.disk_usage(_existing(self._store.root)).free
        if needed > free:
            raise StorageError(
                f"not enough disk space: {human_bytes(needed)} are to come, {human_bytes(free)} are free",
                hint=f"free some space, or move the models ({self._store.root}) with OLLAMA_MODELS",
            )

    async def _fetch(
        self, name: ModelName, endpoint: Endpoint, blob: Wanted
    ) -> AsyncGenerator[ProgressRecord, None]:
        status, digest = f"pulling {blob.digest.short}", str(blob.digest)
        if await asyncio.to_thread(self._has, blob):
            yield ProgressRecord(status, digest, blob.size, blob.size)
            return

        async def transfer(progress: Progress) -> None:
            # A client of its own: the transfer goes on for others when the one who began it leaves.
            async with RegistryClient(name, endpoint, transport=self._transport) as client:
                await self._bring(client, blob, progress)

        async with aclosing(self._downloads.watch(blob.digest, blob.size, transfer)) as looks:
            async for progress in looks:
                yield ProgressRecord(status, digest, progress.total, progress.completed)

    async def _bring(self, client: RegistryClient, blob: Wanted, progress: Progress) -> None:
        url = blob.url or client.url(f"blobs/{blob.digest}")
        if blob.size <= SMALL:
            data = await fetch_small(client, url, blob.digest, progress)
            await asyncio.to_thread(self._store.blobs.add_bytes, data)
            return
        await download_blob(client, url, blob.digest, self._store.blobs.path(blob.digest), progress)


async def _chosen(client: RegistryClient, refusal: CorralError) -> tuple[RemoteFile, ...]:
    """The files that make the model. Where the site has no list of them either, its first words count."""
    try:
        files = await list_files(client)
    except CorralError as error:
        log.info("no list of files: %s", error.message)
        raise refusal from error
    return tuple(choose_files(files, client.name.tag))


def _digests(offer: Offer) -> list[str]:
    if offer.files:
        return [str(file.digest) for file in offer.files]
    return list(decode_manifest(offer.data).digests)


def _checked_layers(name: ModelName, manifest: Manifest) -> list[Layer]:
    """Layers, then config, each digest once. Raises Unsupported, CorruptData, RegistryError, InvalidInput."""
    if manifest.media_type in MEDIA_INDEXES:
        raise Unsupported(f"{name} is a list of images for several machines, not a model")
    if any(layer.media_type == MEDIA_TENSOR for layer in manifest.layers):
        raise Unsupported("this model requires MLX support, but the MLX runtime is not available")
    if any(not layer.digest for layer in manifest.layers):
        raise RegistryError(f"{name.namespace}/{name.model}: digest is empty")
    layers = unique((*manifest.layers, manifest.config))
    for layer in layers:
        Digest.parse(layer.digest)
        if not 0 <= layer.size < _MAX_SIZE:
            raise CorruptData(f"invalid manifest: {layer.digest} has a size of {layer.size}")
    return layers


def unique(layers: tuple[Layer, ...]) -> list[Layer]:
    """Each digest once."""
    return list({layer.digest: layer for layer in layers if layer.digest}.values())


def _existing(path: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return path if path.exists() or path == path.parent else _existing(path.parent)
