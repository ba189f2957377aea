"""A blob that a child of `convert` writes: its steps become records, and the whole file gets its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import BinaryIO

from corral.convert import Finished, Note, Steps
from corral.core.digests import Digest
from corral.core.manifest import Layer
from corral.core.requests import ProgressRecord
from corral.errors import CorruptData, CreateError, InvalidInput, Unsupported
from corral.library.network import Headers
from corral.library.recipe import Part, Recipe

# The step has no file of a known digest yet; clients tell their bars apart by this one.
_NO_DIGEST = "0" * 19


@dataclass(slots=True)
class Making:
    """Work to do: `work` writes to the file it is given, and `step` is what clients read meanwhile.

    Afterwards `part` is the new layer, of the kind `media_type`.
    """

    step: str
    media_type: str
    work: Callable[[BinaryIO], Steps]
    imported: bool = False
    part: Part | None = None

    async def run(self, recipe: Recipe, headers: Headers) -> AsyncGenerator[ProgressRecord, None]:
        """Raises CreateError for what cannot be converted, StorageError."""
        blobs = recipe.store.blobs
        with await asyncio.to_thread(blobs.open_writer) as writer:
            done = None
            async with aclosing(self.work(writer.file)) as steps:
                try:
                    async for step in steps:
                        if isinstance(step, Finished):
                            done = step
                        elif isinstance(step, Note):
                            yield ProgressRecord(step.text)
                        else:
                            yield ProgressRecord(self.step, _NO_DIGEST, step.total, step.completed)
                except (CorruptData, InvalidInput, Unsupported) as error:
                    raise CreateError(error.message) from error
            assert done is not None
            digest = Digest(done.sha256)
            recipe.hold.add([str(digest)])
            status = f"{'using existing' if blobs.has(digest) else 'creating new'} layer {digest}"
            await asyncio.to_thread(writer.place, digest)
        header = await asyncio.to_thread(headers.read, blobs.path(digest))
        layer = Layer(self.media_type, str(digest), done.size)
        self.part = Part(layer, status, header, self.imported)
