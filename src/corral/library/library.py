"""The use cases on models, as the server calls them. Work on files runs in threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import lru_cache, partial
from pathlib import Path

import httpx

from corral import pocket
from corral.core.digests import Digest
from corral.core.model import Model
from corral.core.names import (
    DEFAULT_HOST,
    DEFAULT_NAMESPACE,
    DEFAULT_TAG,
    ModelName,
    Reference,
    parse_reference,
)
from corral.core.requests import ProgressRecord
from corral.errors import CloudDisabled, DigestMismatch, InvalidInput, InvalidName, ModelNotFound
from corral.library.base import write_model
from corral.library.create import Creator
from corral.library.draft import Draft, check_modelfile
from corral.library.facts import CreateRequest, Listed, Shown
from corral.library.listing import newest_first
from corral.library.network import Headers
from corral.library.packaged import create_pocket
from corral.library.pins import Pins, remove_unused
from corral.library.pull import Puller
from corral.library.pulls import Pull, Pulls
from corral.library.push import Pusher
from corral.library.reading import Reader, or_nothing
from corral.library.recipe import Recipe
from corral.library.remote_names import pull_name, stored_name
from corral.library.sharing import Sharing
from corral.library.show import show
from corral.library.tuned import Tuned, tuned_manifest
from corral.library.upkeep import Upkeep
from corral.settings import Settings
from corral.store import Store

POCKET = ModelName(DEFAULT_HOST, DEFAULT_NAMESPACE, pocket.NAME, DEFAULT_TAG)

Stamp = tuple[int, int, int]


class Library:
    """The models of one store. One instance serves all requests of an event loop."""

    def __init__(
        self, store: Store, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.store = store
        self._settings = settings
        self._reader = Reader(store, settings, Headers())
        self._pins = Pins()
        self.pulls = Pulls()
        self._puller = Puller(store, settings, self._pins, self.create, transport)
        self.upkeep = Upkeep(store, self._puller)
        self.sharing = Sharing(store)
        self._pusher = Pusher(store, settings, transport)
        self._creator = Creator(store, self._reader, settings, self._pins, self.pull)
        self._models: dict[ModelName, tuple[Stamp, Model]] = {}
        self._spelling: dict[ModelName, ModelName] = {}

    # Reading

    async def resolve(self, text: str, *, exact_case: bool = False) -> Model:
        """The model that `text` names, whatever its case unless `exact_case`.

        Asked again it costs one look at the manifest's file stamp. Raises InvalidName, InvalidInput (two
        source suffixes), ModelNotFound with the name as sent, CloudDisabled, CorruptData.
        """
        if not text.strip():
            raise ModelNotFound(text)
        reference, name = _parse(text)
        if reference.cloud:
            raise CloudDisabled
        found = self._known(name, exact_case=exact_case)
        if found is None:
            found = await asyncio.to_thread(self._read, name, text, exact_case=exact_case)
        if reference.local and found.is_remote:
            raise ModelNotFound(text)
        return found

    async def tags(self) -> list[Listed]:
        """All models, newest first; those that cannot be read are left out."""
        return await asyncio.to_thread(self._tags)

    async def show(
        self,
        text: str,
        *,
        system: str = "",
        options: Mapping[str, object] | None = None,
        verbose: bool = False,
    ) -> Shown:
        """All about one model. Raises like `resolve`, but ModelNotFound with the short name."""
        if not text:
            raise InvalidInput("model is required")
        reference, name = _parse(text)
        if reference.cloud:
            raise CloudDisabled("remote model details are unavailable")
        model = self._known(name, exact_case=False)
        if model is None:
            model = await asyncio.to_thread(self._read, name, name.short, strict=False)
        if model.is_remote and reference.local:
            raise ModelNotFound(text)
        if model.is_remote and self._settings.no_cloud:
            raise CloudDisabled("remote model details are unavailable")
        return await asyncio.to_thread(
            show, self._reader, model, system=system, options=options, verbose=verbose
        )

    def _known(self, name: ModelName, *, exact_case: bool) -> Model | None:
        """The model as it was read last, if its manifest has not changed since."""
        spelled = name if exact_case else self._spelling.get(name, name)
        found = self._models.get(spelled)
        if found is None or found[0] != self._stamp(spelled):
            return None
        return found[1]

    def _stamp(self, name: ModelName) -> Stamp | None:
        try:
            status = self.store.manifests.path(name).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self, name: ModelName, asked: str, *, exact_case: bool = False, strict: bool = True) -> Model:
        spelled = name if exact_case else self._canonical(name)
        stamp = self._stamp(spelled)
        if stamp is None:
            self._models.pop(spelled, None)
            raise ModelNotFound(asked)
        model = self._reader.read(spelled, strict=strict)
        if strict:
            self._models[spelled] = (stamp, model)
            self._spelling[name] = spelled
        return model

    def _canonical(self, name: ModelName) -> ModelName:
        """The store's spelling of `name`; the packaged model is put there when it is asked for."""
        spelled = self.store.manifests.canonical(name)
        if not _is_pocket(spelled) or self.store.manifests.has(spelled):
            return spelled
        create_pocket(self.store, POCKET, self._pins)
        return POCKET

    def _tags(self) -> list[Listed]:
        models = []
        for stored in self.store.manifests.list():
            found = self._known(stored.name, exact_case=True)
            found = found or or_nothing(partial(self._reader.model, stored, strict=False))
            if found is not None:
                models.append(found)
        return newest_first(models)

    # Changing

    async def copy(self, source: str, destination: str) -> None:
        """Give a model a second name. Raises InvalidInput, ModelNotFound."""
        origin, target = _copy_name(source, "source"), _copy_name(destination, "destination")
        await asyncio.to_thread(self._copy, origin, target, source)

    def _copy(self, origin: ModelName, target: ModelName, asked: str) -> None:
        origin, target = self._canonical(origin), self.store.manifests.canonical(target)
        if not self.store.manifests.has(origin):
            raise ModelNotFound(asked, f'model "{asked}" not found')
        if origin != target:
            self.store.manifests.copy(origin, target)

    async def delete(self, text: str) -> None:
        """Remove a model and the blobs that no other needs.

        Raises InvalidInput, InvalidName, ModelNotFound, StorageError.
        """
        if not text:
            raise InvalidInput("model is required")
        reference = parse_reference(text)
        try:
            name = stored_name(reference.text, cloud=reference.cloud)
        except InvalidName as error:
            raise InvalidName(f'name "{text}" is invalid') from error
        await asyncio.to_thread(self._delete, name, text)

    def _delete(self, name: ModelName, asked: str) -> None:
        manifests = self.store.manifests
        spelled = manifests.canonical(name)
        if not manifests.has(spelled):
            raise ModelNotFound(asked)
        deleted = manifests.delete(spelled)
        self._models.pop(spelled, None)
        if deleted is not None:
            remove_unused(self.store, deleted.manifest.digests, self._pins)

    async def create(self, request: CreateRequest) -> AsyncGenerator[ProgressRecord, None]:
        """Make a model; its steps as they are done. Raises CorralError, see http-api.md 5.11."""
        async with aclosing(self._creator.run(request)) as records:
            async for record in records:
                yield record

    async def check_modelfile(self, text: str, files: Mapping[str, str]) -> Draft:
        """What a Modelfile would make, and what is wrong with it; `files`: digests of uploads by name."""
        return await asyncio.to_thread(check_modelfile, text, files, self._has)

    def _has(self, name: ModelName) -> bool:
        spelled = self.store.manifests.canonical(name)
        return self.store.manifests.has(spelled) or (_is_pocket(spelled) and pocket.weights() is not None)

    async def make_tuned(self, tuned: Tuned) -> None:
        """Make the model of a fine-tuning; one of the same name is replaced. Raises CorralError."""
        await asyncio.to_thread(self._make_tuned, tuned)

    def _make_tuned(self, tuned: Tuned) -> None:
        name = self.store.manifests.canonical(ModelName.parse(tuned.name))
        with self._pins.hold() as hold:
            manifest = tuned_manifest(self._reader, Recipe(self.store, hold), tuned)
            pins = None if self._settings.no_prune else self._pins
            write_model(self.store, name, manifest, pins)

    @contextmanager
    def holding(self, digests: Iterable[str]) -> Iterator[None]:
        """Within the block these blobs stay, whatever models are deleted meanwhile."""
        with self._pins.hold() as hold:
            hold.add(digests)
            yield

    # Moving

    async def pull(self, text: str, *, insecure: bool = False) -> AsyncGenerator[ProgressRecord, None]:
        """Fetch a model from its registry. Raises InvalidName before anything else; CorralError later."""
        name = pull_name(text)
        steps = self.pulls.watched(name.short, partial(self._fetch, name, insecure=insecure))
        async with aclosing(steps) as records:
            async for record in records:
                yield record

    def keep_pulling(self, text: str, *, insecure: bool = False) -> Pull:
        """Fetch a model in the background, whether a client waits or not. Raises InvalidName."""
        name = pull_name(text)
        return self.pulls.keep(name.short, partial(self._fetch, name, insecure=insecure))

    def stop_pulling(self, text: str) -> None:
        """End a pull for all who wait, or forget one that is over. Raises NotFound, InvalidName."""
        self.pulls.stop(pull_name(text).short)

    async def _fetch(self, name: ModelName, *, insecure: bool) -> AsyncGenerator[ProgressRecord, None]:
        if _is_pocket(name) and pocket.weights() is not None:
            yield ProgressRecord("pulling manifest")
            await asyncio.to_thread(self._canonical, name)
            yield ProgressRecord("success")
            return
        async with aclosing(self._puller.pull(name, insecure=insecure)) as records:
            async for record in records:
                yield record

    async def push(self, text: str, *, insecure: bool = False) -> AsyncGenerator[ProgressRecord, None]:
        """Publish a model. Raises InvalidInput without a name; other errors come out of the steps."""
        if not text:
            raise InvalidInput("model is required")
        async with aclosing(self._pusher.push(text, insecure=insecure)) as records:
            async for record in records:
                yield record

    # Blobs

    async def has_blob(self, digest: str) -> bool:
        """Raises InvalidInput for a malformed digest."""
        return await asyncio.to_thread(self.store.blobs.has, Digest.parse(digest))

    async def blob_folder(self) -> Path:
        """Where blobs lie: a folder that is there now. Raises StorageError."""
        return await asyncio.to_thread(self.store.blobs.folder)

    async def receive_blob(self, digest: str, pieces: AsyncIterator[bytes]) -> bool:
        """Store an upload; False, and nothing is read, when it is there already.

        Raises InvalidInput for a malformed digest and when other bytes arrived, which are dropped.
        """
        expected = Digest.parse(digest)
        if await asyncio.to_thread(self.store.blobs.has, expected):
            return False
        try:
            await self._receive(pieces, expected)
        except DigestMismatch as error:
            raise InvalidInput(error.message) from error
        return True

    async def receive_file(self, pieces: AsyncIterator[bytes]) -> tuple[str, int]:
        """Store an upload whose digest is not known; its digest and bytes. What ends early leaves nothing."""
        return await self._receive(pieces)

    async def _receive(self, pieces: AsyncIterator[bytes], expected: Digest | None = None) -> tuple[str, int]:
        with self.store.blobs.open_writer() as writer:
            async for piece in pieces:
                await asyncio.to_thread(writer.write, piece)
            digest = await asyncio.to_thread(writer.commit, expected)
            return str(digest), writer.size


@lru_cache(maxsize=1024)
def _parse(text: str) -> tuple[Reference, ModelName]:
    reference = parse_reference(text)
    return reference, ModelName.parse(reference.text)


def _is_pocket(name: ModelName) -> bool:
    return name.full.lower() == POCKET.full


def _copy_name(text: str, role: str) -> ModelName:
    try:
        return ModelName.parse(text)
    except InvalidName as error:
        raise InvalidName(f'{role} "{text}" is invalid') from error
