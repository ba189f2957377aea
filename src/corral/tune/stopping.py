"""How the child takes SIGTERM: at once, or in the middle of what should be kept a little later."""

from __future__ import annotations

import signal
from types import FrameType


class Stopping:
    """While `gently` is set, `asked` is all that a signal changes; else it raises SystemExit."""

    def __init__(self) -> None:
        self.asked = False
        self.gently = False
        signal.signal(signal.SIGTERM, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if not self.gently:
            raise SystemExit(0)
