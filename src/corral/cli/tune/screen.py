"""A job as it runs: a chart and a line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from corral.cli.progress import Display, Spinner
from corral.cli.rate import remaining_text
from corral.cli.terminal import printable
from corral.cli.tune.chart import chart
from corral.cli.tune.texts import event_words

_ROWS = 8
_SMOOTH = 0.15  # the share of the newest batch in the curve
_PLAIN_EVERY_S = 10.0

Record = Mapping[str, Any]


class Screen:
    """Takes the records of a job's stream. `display` is drawn anew ten times a second on a terminal."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._curve = _Curve()
        self._spinner: Spinner | None = None
        self._plain_at = 0.0

    def take(self, record: Record) -> None:
        match record["event"]:
            case "state":
                self._say(_STATES[record["state"]])
            case "data":  # a process begins: what is left is told from its own first step
                self._curve.began = None
            case "step":
                self._step(record)
            case "eval":
                self._curve.held_out[int(record["step"])] = float(record["loss"])
        if record["event"] in (_NOTED if self._display.live else _NOTED_PLAIN):
            self._note(event_words(record))

    def _step(self, record: Record) -> None:
        self._curve.add(record)
        if self._display.live:
            if not self._curve.shown:
                self._curve.shown = True
                self._end_spinner()
                for row in range(_ROWS):
                    self._display.show(_ChartRow(self._curve, row))
                self._display.show(self._curve)
        elif time.monotonic() - self._plain_at > _PLAIN_EVERY_S:
            self._plain_at = time.monotonic()
            self._note(self._curve.line(80))

    def _say(self, text: str) -> None:
        """What is going on now, until something else is."""
        if self._curve.shown:
            self._curve.state = text
        elif self._spinner is None or self._spinner.message != text:
            self._end_spinner()
            self._spinner = self._display.spinner(text)

    def _note(self, text: str) -> None:
        """A line that stays."""
        self._end_spinner()
        self._display.finish(self._display.spinner(text, announce=False), printable(text))

    def _end_spinner(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


_NOTED = ("data", "plan", "note")
_NOTED_PLAIN = (*_NOTED, "eval", "checkpoint", "gate")
_STATES = {
    "queued": "waiting for the jobs before it",
    "running": "at work",
    "stopping": "stopping, with a checkpoint",
    "stopped": "stopped",
    "succeeded": "done",
    "draft": "done, and no better",
    "failed": "failed",
}


class _Curve:
    """The losses so far, and as a line of the display where the job is now."""

    def __init__(self) -> None:
        self.smoothed: list[tuple[float, float]] = []
        self.held_out: dict[int, float] = {}
        self.shown = False
        self.state = ""
        self.last: Record = {}
        self.began: tuple[float, int] | None = None  # time and number of the first step

    def add(self, record: Record) -> None:
        step, loss = int(record["step"]), float(record["loss"])
        if self.began is None:
            self.began = (float(record["t"]), step)
            self.smoothed = [point for point in self.smoothed if point[0] < step]  # the rest is done again
        before = self.smoothed[-1][1] if self.smoothed else loss
        self.smoothed.append((float(step), before + _SMOOTH * (loss - before)))
        self.last = record

    def chart(self, columns: int) -> list[str]:
        marks = [(float(step), loss) for step, loss in self.held_out.items()]
        last = float(self.last.get("steps", 1))
        return chart(self.smoothed, marks, columns=columns, rows=_ROWS, last_x=last)

    def line(self, columns: int) -> str:
        record = self.last
        text = f"step {record['step']}/{record['steps']}  loss {self.smoothed[-1][1]:.3f}"
        if self.held_out:
            text += f"  held out {self.held_out[max(self.held_out)]:.3f}"
        text += f"  {record['tokens_per_s']:.0f} tokens/s"
        left = self._remaining_s()
        if left is not None:
            text += f"  {remaining_text(left)} left"
        return text if self.state in ("", _STATES["running"]) else f"{text}  {self.state}"

    def _remaining_s(self) -> float | None:
        began_at, first = self.began or (0.0, 0)
        done = int(self.last["step"]) - first
        if self.began is None or done <= 0:
            return None
        return (float(self.last["t"]) - began_at) / done * (int(self.last["steps"]) - int(self.last["step"]))


class _ChartRow:
    def __init__(self, curve: _Curve, row: int) -> None:
        self._curve = curve
        self._row = row

    def line(self, columns: int) -> str:
        lines = self._curve.chart(columns)
        return lines[self._row] if self._row < len(lines) else ""
