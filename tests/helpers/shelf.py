"""A library over a store of its own, used without writing an event loop into every test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import httpx

from corral.core.digests import Digest
from corral.core.model import Model
from corral.core.requests import ProgressRecord
from corral.library import CreateRequest, Library
from corral.settings import Settings
from corral.store import Store
from tests.helpers.gguf_files import build_gguf

T = TypeVar("T")


class Shelf:
    """`folder` holds the store and the files that tests import."""

    def __init__(
        self, folder: Path, *, transport: httpx.AsyncBaseTransport | None = None, **settings: Any
    ) -> None:
        self.folder = folder
        self.store = Store(folder / "models")
        values = {"models": self.store.root, "identity": folder / "id", **settings}
        self.library = Library(self.store, Settings(**values), transport=transport)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def records(self, steps: AsyncIterator[ProgressRecord]) -> list[ProgressRecord]:
        async def collect() -> list[ProgressRecord]:
            return [record async for record in steps]

        return asyncio.run(collect())

    def upload(self, path: Path) -> str:
        """The digest of the file's blob, which is in the store."""
        return str(self.store.blobs.add_bytes(path.read_bytes()))

    def gguf(self, name: str = "tiny.gguf", **options: Any) -> dict[str, str]:
        """A GGUF in the store, as the `files` of a request."""
        return {name: self.upload(build_gguf(self.folder / name, **options))}

    def create(self, model: str, **fields: Any) -> list[str]:
        """The steps of a create, layers without their digests."""
        records = self.records(self.library.create(CreateRequest(model=model, **fields)))
        return [record.status.partition(" sha256:")[0] for record in records]

    def make(self, model: str = "tiny", **options: Any) -> Model:
        """A model from a GGUF of its own."""
        self.create(model, files=self.gguf(f"{model.replace('/', '-')}.gguf", **options))
        return self.resolve(model)

    def resolve(self, text: str, **options: bool) -> Model:
        return self.run(self.library.resolve(text, **options))

    def has_blob(self, digest: str) -> bool:
        return self.store.blobs.has(Digest.parse(digest))

    @property
    def names(self) -> list[str]:
        return [name.short for name in self.store.manifests.names()]
