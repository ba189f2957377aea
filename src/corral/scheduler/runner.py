"""A loaded model in the server: its child process, who uses it, and when it may go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from corral.cache import Seats
from corral.core.model import Model
from corral.core.request_id import request_id
from corral.engine import Client
from corral.scheduler.journal import End
from corral.scheduler.plan import LaunchPlan
from corral.scheduler.process import LoadedProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedInfo:
    """A loaded model as `ps` shows it; name, digest and model are those of the request that loaded it.

    `size` and `size_vram` are bytes, in total and on devices. `expires_at` is in seconds since the epoch,
    infinite for never. `num_ctx` is the context window that the latest request had, `max_ctx` that of a slot.
    `reason` says why it was loaded. `in_flight` requests hold it, of which `waiting` wait for a slot.
    """

    name: str
    digest: str
    model: Model
    size: int
    size_vram: int
    expires_at: float
    num_ctx: int
    max_ctx: int
    num_slots: int
    reason: str
    pid: int
    in_flight: int
    waiting: int
    pinned: bool
    loaded_at: float
    load_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """A request that waits: `since` in the seconds of the event loop."""

    model: str
    since: float
    request_id: str = field(default_factory=request_id.get)


class Runner:
    """The handle of one child. Only the pool changes it; a request reads `client`, `params`, the numbers."""

    def __init__(
        self,
        model: Model,
        params: LaunchPlan,
        process: LoadedProcess,
        seats: Seats,
        *,
        reason: str,
        loaded_at: float,
        load_s: float,
    ) -> None:
        self.model = model
        self.params = params
        self.process = process
        self.seats = seats
        self.reason = reason
        self.loaded_at = loaded_at
        self.load_s = load_s
        self.keep_alive_s = 0.0
        self.pinned = False
        self.in_flight = 0
        self.last_used = 0.0
        self.latest_ctx = params.num_ctx
        self.expires_at: float | None = None
        self.timer: asyncio.TimerHandle | None = None
        # Why it is about to be unloaded: new requests queue instead of prolonging its life.
        self.draining: End | None = None
        self.gone = False
        self.stopping = False  # gone because the pool wanted it so
        # Set while no request needs it: idle, or ended.
        self.quiet = asyncio.Event()
        self.quiet.set()
        # Waiting here, not in the engine, is first come first served and can be left at any moment.
        self.slots = asyncio.Semaphore(params.num_slots)
        self.in_slots = 0
        # Who waits for a slot, in the order of the semaphore.
        self.at_slots: list[Ticket] = []

    @property
    def client(self) -> Client:
        """The engine's client for this child."""
        return self.process.client

    @property
    def name(self) -> str:
        return self.model.name.short

    @property
    def num_ctx(self) -> int:
        """The context window of one slot, in tokens."""
        return self.params.num_ctx

    @property
    def num_slots(self) -> int:
        return self.params.num_slots

    def info(self, now: float) -> LoadedInfo:
        expires_at = self.expires_at if self.expires_at is not None else now + self.keep_alive_s
        size, size_vram = self._sizes()
        return LoadedInfo(
            name=self.name,
            digest=self.model.digest,
            model=self.model,
            size=size,
            size_vram=size_vram,
            expires_at=expires_at,
            num_ctx=self.latest_ctx,
            max_ctx=self.num_ctx,
            num_slots=self.num_slots,
            reason=self.reason,
            pid=self.process.pid,
            in_flight=self.in_flight,
            waiting=self.in_flight - self.in_slots,
            pinned=self.pinned,
            loaded_at=self.loaded_at,
            load_s=self.load_s,
        )

    def _sizes(self) -> tuple[int, int]:
        """Bytes in total and on devices: measured where that is possible, else as predicted."""
        predicted = self.params.need.at_load
        on_devices = self.process.device_bytes() or self.params.device_bytes
        if not on_devices or not self.params.devices:
            return self.process.memory_bytes() or predicted, 0
        # What a child has on devices is not seen from outside, but told by the engine when it loads.
        return on_devices if self.params.all_on_devices else max(predicted, on_devices), on_devices
