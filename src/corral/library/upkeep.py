"""Keeping a store in order: what is newer elsewhere, what takes which space, what is damaged."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from corral.core.digests import Digest
from corral.core.manifest import Manifest
from corral.core.names import ModelName
from corral.core.requests import ProgressRecord
from corral.errors import BlobNotFound, CorralError, InvalidInput, ModelNotFound, NotFound, StorageError
from corral.library.pull import Puller
from corral.library.watch import Transfers
from corral.registry import Progress
from corral.store import Store, StoredManifest

_AT_ONCE = 8  # registries are asked about so many models at a time


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model and its original. `state`: `current`, `outdated`, `unknown`, or `local`: its host has none."""

    name: str
    digest: str
    state: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """Bytes on the disk of one model, and how many of them would be free without it."""

    name: str
    size: int
    unique: int


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What the store takes: all blobs, those that no model needs, and files of unfinished transfers."""

    models: tuple[ModelUse, ...]
    blobs: int
    unused: int
    unfinished: int


@dataclass(frozen=True, slots=True)
class Damage:
    """A blob that is missing or has other bytes, and the models that need it.

    `digest` is empty where the manifest itself is damaged.
    """

    digest: str
    problem: str
    models: tuple[str, ...] = field(default=())


class Upkeep:
    """Reads the whole store; work on files runs in threads."""

    def __init__(self, store: Store, puller: Puller) -> None:
        self._store = store
        self._puller = puller

    async def compare(self, texts: Sequence[str] = ()) -> list[Comparison]:
        """These models, or all, beside what their registries have now, which are asked for the names.

        Raises InvalidName, ModelNotFound.
        """
        names = await asyncio.to_thread(self._named, texts)
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(name: ModelName) -> Comparison:
            async with places:
                return await self._compare(name)

        return list(await asyncio.gather(*(one(name) for name in names)))

    async def _compare(self, name: ModelName) -> Comparison:
        try:
            stored = await asyncio.to_thread(self._store.manifests.read, name)
        except CorralError as error:
            return Comparison(name.short, "", "unknown", error.message)
        try:
            offer = await self._puller.find(name)
            is_current = await asyncio.to_thread(self._puller.is_current, name, offer)
        except CorralError as error:
            if isinstance(error.__cause__, NotFound):
                return Comparison(name.short, stored.digest, "local")
            return Comparison(name.short, stored.digest, "unknown", error.message)
        return Comparison(name.short, stored.digest, "current" if is_current else "outdated")

    async def measure(self) -> DiskUse:
        """What takes which space. Raises StorageError."""
        return await asyncio.to_thread(self._measure)

    async def prune(self) -> int:
        """Remove what a start of the server would; the bytes that are free now. Raises StorageError."""
        before = await asyncio.to_thread(self._measure)
        await asyncio.to_thread(self._store.prune)
        after = await asyncio.to_thread(self._measure)
        return before.blobs + before.unfinished - after.blobs - after.unfinished

    def _measure(self) -> DiskUse:
        manifests = self._store.manifests.list()
        sizes = self._store.blobs.sizes()
        uses = Counter(digest for stored in manifests for digest in _digests(stored.manifest))
        used = sum(sizes.get(digest, 0) for digest in uses)
        total = sum(sizes.values())
        return DiskUse(
            models=tuple(_use(stored, sizes, uses) for stored in manifests),
            blobs=total,
            unused=total - used,
            unfinished=self._store.blobs.unfinished(),
        )

    async def verify(
        self, texts: Sequence[str] = (), *, repair: bool = False
    ) -> AsyncGenerator[ProgressRecord | Damage, None]:
        """Hash every blob of these models, or of all; tell each that is damaged.

        With `repair` it is removed, so that a pull brings it again. Raises InvalidName, ModelNotFound,
        StorageError.
        """
        names = await asyncio.to_thread(self._named, texts)
        needed, unreadable = await asyncio.to_thread(self._needed, names)
        for damage in unreadable:
            yield damage
        for digest, models in needed.items():
            async with aclosing(self._verify(digest)) as records:
                async for record in records:
                    if not isinstance(record, Damage):
                        yield record
                        continue
                    if repair:
                        await asyncio.to_thread(self._store.blobs.delete, digest)
                    yield Damage(record.digest, record.problem, tuple(models))

    def _named(self, texts: Sequence[str]) -> list[ModelName]:
        """The names as the store spells them; all names where none is given."""
        manifests = self._store.manifests
        if not texts:
            return list(manifests.names())
        found = [(text, manifests.canonical(ModelName.parse(text))) for text in texts]
        for text, name in found:
            if not manifests.has(name):
                raise ModelNotFound(text)
        return [name for _, name in found]

    def _needed(self, names: list[ModelName]) -> tuple[dict[Digest, list[str]], list[Damage]]:
        """The blobs of these models and which of them need each; the manifests that do not tell."""
        needed: dict[Digest, list[str]] = {}
        unreadable = []
        for name in names:
            try:
                texts = self._store.manifests.read(name).manifest.digests
                digests = {Digest.parse(text) for text in texts}
            except CorralError as error:
                problem = f"the manifest cannot be read: {error.message}"
                unreadable.append(Damage("", problem, (name.short,)))
                continue
            for digest in sorted(digests):
                needed.setdefault(digest, []).append(name.short)
        return needed, unreadable

    async def _verify(self, digest: Digest) -> AsyncGenerator[ProgressRecord | Damage, None]:
        try:
            total = await asyncio.to_thread(self._store.blobs.size, digest)
        except BlobNotFound:
            yield Damage(str(digest), "is missing")
            return
        found: list[Digest] = []

        async def work(progress: Progress) -> None:
            left = threading.Event()

            def seen(num_bytes: int) -> bool:
                progress.add(num_bytes)
                return not left.is_set()

            try:
                found.append(await asyncio.to_thread(self._store.blobs.digest_of, digest, seen))
            finally:
                left.set()

        status = f"verifying {digest.short}"
        try:
            async with aclosing(Transfers().watch(digest, total, work)) as looks:
                async for progress in looks:
                    yield ProgressRecord(status, str(digest), progress.total, progress.completed)
        except StorageError as error:
            yield Damage(str(digest), f"cannot be read: {error.message}")
            return
        if found[0] != digest:
            yield Damage(str(digest), f"has the digest {found[0]}")


def _digests(manifest: Manifest) -> set[Digest]:
    found = set()
    for text in manifest.digests:
        with suppress(InvalidInput):
            found.add(Digest.parse(text))
    return found


def _use(stored: StoredManifest, sizes: dict[Digest, int], uses: Counter[Digest]) -> ModelUse:
    digests = _digests(stored.manifest)
    size = sum(sizes.get(digest, 0) for digest in digests)
    unique = sum(sizes.get(digest, 0) for digest in digests if uses[digest] == 1)
    return ModelUse(stored.name.short, size, unique)
