"""The slots of one child, from its start to its end: who sits where, what each holds, what is saved of it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator

from corral.cache.prefix import BLOCK_TOKENS, Prefix, Realm, num_common
from corral.cache.saved import SavedState
from corral.cache.saved_states import SavedStates
from corral.cache.seat import Child, Seat
from corral.cache.slots import Choice, Content, choose, engine_goes_on
from corral.cache.worth import IDLE_SAVE_S, SAVE_RATE, SAVE_S, is_worth_restoring, is_worth_saving
from corral.engine import Client
from corral.errors import EngineError, RunnerCrashed

log = logging.getLogger("corral.cache")

# So long nobody may have come before states are saved that a crash or a power cut would cost.
IDLE_S = 20.0
# The engine answers nobody while it writes: of more it would be seconds.
_IDLE_BYTES = 1 << 30
# What a token takes to compute until that has been measured: as on a small computer.
_UNKNOWN_TOKEN_S = 0.002
# Of a slot of which nobody knows what it holds: it is of no realm that asks, so it is emptied first.
_UNKNOWN = Content(realm=Realm(owner=-1))


class Seats:
    """Gives each prompt the slot that has most of it, restored from a file where that is worth it.

    No prompt of another realm is ever used: a slot that holds one is emptied, and the engine's memory of
    earlier prompts, which knows no realms, is not asked from then on.
    """

    def __init__(self, client: Client, child: Child, saved: SavedStates | None = None) -> None:
        self._client = client
        self._child = child
        self._saved = saved if child.can_save else None
        self._held: dict[int, Content | None] = dict.fromkeys(range(child.num_slots))
        self._free: set[int] = set(self._held)
        self._freed = asyncio.Event()
        self._realms: set[Realm] = set()
        self._in_memory: deque[Content] = deque()
        self._token_s = 0.0
        self._uses = 0
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._idle_task: asyncio.Task[None] | None = None

    async def take(self, prefix: Prefix) -> Seat:
        """A slot for this prompt; `leave` must follow. Raises RunnerCrashed."""
        self._stop_clock()
        self._realms.add(prefix.realm)
        if self._saved is not None:
            await self._saved.ready()
        while not self._free:
            self._freed.clear()
            await self._freed.wait()
        choice = choose({slot: self._held[slot] for slot in self._free}, prefix, self._token_seconds, SAVE_S)
        self._free.remove(choice.slot)
        try:
            await self._prepare(choice, prefix)
        except BaseException:
            self._release(choice.slot)
            raise
        return Seat(choice.slot, prefix)

    def leave(self, seat: Seat) -> None:
        """The request is over, or its client has left."""
        self._uses += 1
        token_s = seat.token_s
        if token_s is not None:
            self._token_s = (self._token_s + token_s) / 2 if self._token_s else token_s
        self._held[seat.slot] = seat.content(self._child.num_ctx, self._uses)
        self._release(seat.slot)
        is_idle = len(self._free) == len(self._held)
        if is_idle and self._saved is not None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(IDLE_S, self._save_idle)

    def close(self) -> None:
        """The child is about to end, or has ended."""
        self._closed = True
        self._stop_clock()

    async def save(self, limit_s: float) -> None:
        """Save what is worth it, the latest first, before the child ends. It takes at most `limit_s`."""
        self.close()
        if self._saved is None:
            return
        try:
            async with asyncio.timeout(limit_s):
                if self._idle_task is not None:
                    await asyncio.wait({self._idle_task})
                await self._save_all(SAVE_S, most_bytes=int(limit_s * SAVE_RATE))
        except TimeoutError:
            log.info("not all prompts were saved: the time for it was over")
        except RunnerCrashed:
            log.info("not all prompts were saved: the engine has ended")

    @property
    def _token_seconds(self) -> float:
        return self._token_s or _UNKNOWN_TOKEN_S

    async def _prepare(self, choice: Choice, prefix: Prefix) -> None:
        """Bring as much of the prompt as pays into the chosen slot; and out of it what must not be used."""
        slot, common = choice.slot, choice.num_common
        if choice.source is not None and choice.source in self._free:
            await self._save_source(choice.source, prefix, common)
        state = self._find(prefix, common)
        held = self._held[slot]
        is_foreign = held is not None and held.realm != prefix.realm
        must_empty = is_foreign or (self._is_mixed and not engine_goes_on(held, common))
        is_remembered = (
            held is not None
            and self._remembers
            and 2 * common < held.num_tokens
            and not (must_empty or state is not None)
        )
        if choice.loses and not is_remembered:
            await self._save(slot, SAVE_S)
        if state is not None and await self._restore(slot, state):
            return
        if must_empty or self._held[slot] is _UNKNOWN:
            self._held[slot] = _UNKNOWN
            await self._client.erase_slot(slot)
            self._held[slot] = None
        elif held is not None and is_remembered:
            self._exchange(held, prefix)

    @property
    def _remembers(self) -> bool:
        """Whether the engine itself keeps the prompt of a slot that goes on to another one."""
        return self._child.memory_tokens > 0 and not self._is_mixed

    @property
    def _is_mixed(self) -> bool:
        """Whether the engine's memory may hold prompts that the next request must not use."""
        return self._child.memory_tokens > 0 and len(self._realms) > 1

    def _find(self, prefix: Prefix, common: int) -> SavedState | None:
        """The saved state that is worth restoring into a slot that has `common` tokens already."""
        found = self._saved.best(self._child.stamp, prefix) if self._saved is not None else None
        if found is None:
            return None
        state, blocks = found
        num_tokens = blocks * BLOCK_TOKENS
        remembered = max(
            (num_common(content.blocks, prefix.blocks) for content in self._in_memory), default=0
        )
        if self._remembers and remembered >= blocks:
            return None
        if self._is_mixed and not engine_goes_on(_content_of(state), num_tokens):
            return None
        token_s = self._token_s or state.token_s
        return state if is_worth_restoring(num_tokens - common, token_s, state.size) else None

    async def _restore(self, slot: int, state: SavedState) -> bool:
        assert self._saved is not None
        name = await self._saved.file_of(state)
        if name is None:
            return False
        self._held[slot] = _UNKNOWN
        try:
            if state.realm.scales:
                await self._client.set_adapters(slot, state.realm.scales)
            await self._client.restore_slot(slot, name)
        except EngineError as error:
            await self._saved.refused(state, error.message)
            return False
        await self._saved.restored(state)
        self._held[slot] = _content_of(state)
        self._token_s = self._token_s or state.token_s
        return True

    async def _save_source(self, slot: int, prefix: Prefix, common: int) -> None:
        """Save a slot that has more of the prompt than the chosen one, so that this can have it, too."""
        content = self._held[slot]
        shared = num_common(content.blocks, prefix.blocks) * BLOCK_TOKENS if content is not None else 0
        size = self._size(content.num_tokens) if content is not None else 0
        if not is_worth_restoring(shared - common, self._token_seconds, size):
            return
        self._free.remove(slot)
        try:
            await self._save(slot, 0.0)
        finally:
            self._release(slot)

    async def _save_all(self, least_s: float, most_bytes: int) -> None:
        """Save the slots that nobody sits on, the latest used first, but none of more than `most_bytes`."""
        for slot in self._by_use():
            content = self._held[slot]
            if slot in self._free and content is not None and self._size(content.num_tokens) <= most_bytes:
                self._free.remove(slot)
                try:
                    await self._save(slot, least_s)
                finally:
                    self._release(slot)

    def _by_use(self) -> Iterator[int]:
        used = ((content.used_at, slot) for slot, content in self._held.items() if content is not None)
        return (slot for _, slot in sorted(used, reverse=True))

    async def _save(self, slot: int, least_s: float) -> None:
        """Save the state of a slot that the caller holds, where that is worth it. Raises RunnerCrashed."""
        content, saved = self._held[slot], self._saved
        if content is None or saved is None or not content.storable or not content.blocks:
            return
        found = saved.best(self._child.stamp, Prefix(realm=content.realm, blocks=content.blocks))
        covered = found[1] * BLOCK_TOKENS if found is not None else 0
        size = self._size(content.num_tokens)
        if not is_worth_saving(content.num_tokens - covered, self._token_seconds, size, least_s):
            return
        partial = await saved.make_room(size)
        if partial is None:
            return
        try:
            await self._client.save_slot(slot, partial)
            await saved.add(partial, self._saved_state(content))
        except EngineError as error:
            log.warning("a prompt could not be saved: %s", error.message)
        finally:
            saved.discard(partial)

    def _saved_state(self, content: Content) -> SavedState:
        return SavedState(
            id="",
            stamp=self._child.stamp,
            weights=self._child.weights,
            realm=content.realm,
            blocks=content.blocks,
            num_tokens=content.num_tokens,
            token_s=self._token_seconds,
            size=0,
            digest="",
            used_at=0.0,
        )

    def _size(self, num_tokens: int) -> int:
        return num_tokens * self._child.token_bytes

    def _exchange(self, content: Content, prefix: Prefix) -> None:
        """The engine takes what is like the new prompt out of its memory, and keeps there what leaves."""

        def share(other: Content) -> int:
            return num_common(other.blocks, prefix.blocks)

        taken = max(self._in_memory, key=share, default=None)
        if taken is not None and share(taken):
            self._in_memory.remove(taken)
        self._in_memory.append(content)
        while sum(other.num_tokens for other in self._in_memory) > self._child.memory_tokens:
            self._in_memory.popleft()

    def _release(self, slot: int) -> None:
        self._free.add(slot)
        self._freed.set()

    def _save_idle(self) -> None:
        self._timer = None
        self._idle_task = asyncio.get_running_loop().create_task(
            self._save_all(IDLE_SAVE_S, most_bytes=_IDLE_BYTES)
        )
        self._idle_task.add_done_callback(_log_failure)

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _content_of(state: SavedState) -> Content:
    return Content(
        realm=state.realm, blocks=state.blocks, num_tokens=state.num_tokens, is_exact=True, storable=True
    )


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("prompts could not be saved: %s", error)
