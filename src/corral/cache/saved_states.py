"""All saved states, within one budget: the one owner of their files and rows."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from corral.cache.folder import StateFolder
from corral.cache.prefix import Prefix, num_common
from corral.cache.saved import SavedState, add_state, delete_states, list_states, touch_state
from corral.cache.worth import to_evict
from corral.core.units import human_binary_bytes
from corral.database import Database
from corral.errors import StorageError

log = logging.getLogger("corral.cache")

# `refused`: by the engine, which could not read it; `evicted`: because of the budget.
EVENTS = ("saved", "restored", "damaged", "refused", "evicted")
_AUTOMATIC_SHARE, _AUTOMATIC_MOST = 0.10, 10 << 30
# Left free on the disk, whatever the budget says.
_RESERVE = 1 << 30


class SavedStates:
    """States in `folder`.

    `limit` is their budget in bytes; 0: a tenth of what is free on the disk, at most 10 GiB. All methods
    belong to one event loop. What goes wrong with a file or a row costs that state, never a request.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        *,
        limit: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = StateFolder(folder)
        self._database = database
        self._limit = limit
        self._now = now
        self._states: dict[str, SavedState] = {}
        self._loading: asyncio.Task[None] | None = None
        # What happened since the start, by the names in EVENTS.
        self.counts: Counter[str] = Counter()

    @property
    def folder(self) -> Path:
        return self._folder.path

    @property
    def num_states(self) -> int:
        return len(self._states)

    @property
    def num_bytes(self) -> int:
        return sum(state.size for state in self._states.values())

    def make_folder(self) -> bool:
        """A child wants it to be there when it starts. False: it cannot be made, so nothing is saved."""
        try:
            self._folder.make()
        except OSError as error:
            log.warning(
                "prompts cannot be saved: %s: %s", self.folder, (error.strerror or str(error)).lower()
            )
            return False
        return True

    async def ready(self) -> None:
        """Wait until the rows are known, and what killed servers left is gone; once for all callers."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().create_task(self._load())
        await asyncio.shield(self._loading)

    def best(self, stamp: str, prefix: Prefix) -> tuple[SavedState, int] | None:
        """The state that has most blocks of the prompt, and how many; None where none has any."""
        found, most = None, 0
        for state in self._states.values():
            if state.stamp == stamp and state.realm == prefix.realm:
                common = num_common(state.blocks, prefix.blocks)
                if common > most or (found is not None and common == most and state.size < found.size):
                    found, most = state, common
        return (found, most) if found is not None else None

    async def make_room(self, size: int) -> str | None:
        """The name of a new file for `size` bytes, after others have gone for it; None: there is no room."""
        limit = await self._current_limit()
        if size > limit:
            return None
        await self._remove(to_evict(self._states.values(), limit, wanted=size), "evicted")
        return self._folder.partial_name()

    async def add(self, partial: str, state: SavedState) -> SavedState | None:
        """Take over a file that has been written; `state` says all but its id, size, digest and time of use.

        States that it makes useless go: those of the same prompt, or of its beginning. None: it was not kept.
        """
        stop = threading.Event()
        try:
            id_, size, digest = await asyncio.to_thread(self._folder.publish, partial, stop)
        except OSError as error:
            log.warning("a prompt could not be saved: %s", error.strerror or error)
            return None
        except asyncio.CancelledError:
            stop.set()  # its thread would go on for the whole file
            raise
        state = replace(state, id=id_, size=size, digest=digest, used_at=self._now())
        if not await asyncio.to_thread(Path(state.weights).exists):  # deleted meanwhile
            await asyncio.to_thread(self._folder.remove, id_)
            return None
        if not await self._write(lambda connection: add_state(connection, state)):
            await asyncio.to_thread(self._folder.remove, id_)
            return None
        useless = [other for other in self._states.values() if _is_covered(other, state)]
        self._states[id_] = state
        await self._remove(useless)
        self.counts["saved"] += 1
        # It may be larger than was expected.
        await self._remove(to_evict(self._states.values(), await self._current_limit()), "evicted")
        return self._states.get(id_)

    async def file_of(self, state: SavedState) -> str | None:
        """The name of its file within the folder, if that is as it was written; else the state is gone."""
        problem = await asyncio.to_thread(self._folder.problem, state.id, state.size, state.digest)
        if not problem:
            return self._folder.file(state.id).name
        if state.id not in self._states:  # it went meanwhile, for a longer one of the same prompt
            return None
        log.warning("a saved prompt is removed: its file %s", problem)
        await self._remove([state], "damaged")
        return None

    async def restored(self, state: SavedState) -> None:
        """It has been of use."""
        self.counts["restored"] += 1
        if state.id not in self._states:  # it went meanwhile
            return
        now = self._now()
        self._states[state.id] = replace(state, used_at=now)
        await self._write(lambda connection: touch_state(connection, state.id, now))

    async def refused(self, state: SavedState, reason: str) -> None:
        """The engine could not read it."""
        log.warning("a saved prompt is removed: the engine cannot use it: %s", reason)
        await self._remove([state], "refused")

    def discard(self, partial: str) -> None:
        """A file that was to be written is not wanted any more."""
        self._folder.discard(partial)

    async def prune(self, *, everything: bool = False) -> int:
        """Remove the states of models that are gone, or all; the bytes that are free now."""
        await self.ready()
        gone = [state for state in self._states.values() if everything or not Path(state.weights).exists()]
        await self._remove(gone)
        return sum(state.size for state in gone)

    def close(self) -> None:
        """Remove what children that have ended were still writing."""
        self._folder.sweep_own()

    async def _current_limit(self) -> int:
        """Bytes that all states may have now."""
        room = self.num_bytes + await asyncio.to_thread(self._folder.free_bytes)
        wanted = self._limit or min(int(_AUTOMATIC_SHARE * room), _AUTOMATIC_MOST)
        return min(wanted, room - _RESERVE)

    async def _load(self) -> None:
        if self._database.exists():
            try:
                self._states = {state.id: state for state in await self._database.read(list_states)}
            except StorageError as error:
                log.warning("saved prompts are not used: %s", error.message)
                return
        if self.folder.exists():
            await asyncio.to_thread(self._folder.sweep, frozenset(self._states))
        gone = [state for state in self._states.values() if not Path(state.weights).exists()]
        await self._remove(gone)
        if self._states:
            size = human_binary_bytes(self.num_bytes)
            log.info("saved prompts: count=%d size=%s", self.num_states, size)

    async def _remove(self, states: Collection[SavedState], why: str = "") -> None:
        if not states:
            return
        ids = [state.id for state in states]
        for id_ in ids:
            self._states.pop(id_, None)
        if why:
            self.counts[why] += len(ids)
        await self._write(lambda connection: delete_states(connection, ids))
        await asyncio.to_thread(self._unlink, ids)

    def _unlink(self, ids: Sequence[str]) -> None:
        for id_ in ids:
            self._folder.remove(id_)

    async def _write(self, work: Callable[..., None]) -> bool:
        try:
            await self._database.write(work)
        except StorageError as error:
            log.warning("saved prompts: %s", error.message)
            return False
        return True


def _is_covered(state: SavedState, by: SavedState) -> bool:
    return (
        (state.stamp, state.realm) == (by.stamp, by.realm)
        and len(state.blocks) <= len(by.blocks)
        and num_common(state.blocks, by.blocks) == len(state.blocks)
    )
