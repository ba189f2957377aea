"""A server under test, and the models that the recorded groups need in it."""

from __future__ import annotations

import http.client
import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.server import ServerProcess
from tests.parity import replay
from tests.parity.known_differences import KNOWN

HERE = Path(__file__).parent
VECTORS = HERE / "vectors"
MODELS = HERE / "models"
RECORDED_DATE = "Current date: 2026-11-22"


class Recorded:
    """Replays vectors against one server; a model is created when the first vector needs it."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = replay.Server(server.base_url, replay.Files(MODELS), timeout=60)
        self._made: dict[str, Any] = {}

    def set_up(self, models: list[dict[str, Any]]) -> None:
        for model in models:
            if self._made.get(model["name"]) != model:
                replay.create_model(self.server, model)
                self._made[model["name"]] = model

    def differences(self, group: dict[str, Any], vector: dict[str, Any]) -> list[str]:
        """What differs from the recording; empty if nothing does."""
        try:
            self.set_up(group["setup"])
            return replay.run_vector(self.server, of_today(vector))
        except (OSError, http.client.HTTPException, replay.SetupError) as error:
            return [f"no answer: {error!r}"]

    def cli_differences(self, setup: list[dict[str, Any]], case: dict[str, Any]) -> list[str]:
        """As `differences`, of a run of the installed command."""
        self.set_up(setup)
        program = shutil.which("corral", path=str(Path(sys.executable).parent)) or "corral"
        got = replay.run_cli([program], self.server, case, MODELS)
        return replay.cli_differences(case["expect"], got, case, "corral")


def of_today(vector: dict[str, Any]) -> dict[str, Any]:
    """The vector as it would be recorded today: one prompt holds the date."""
    today = f"Current date: {datetime.now(UTC).date().isoformat()}"
    found: dict[str, Any] = json.loads(json.dumps(vector).replace(RECORDED_DATE, today))
    return found


def judge(identifier: str, differences: list[str]) -> None:
    """Fail, pass, or expected failure: what the list of known differences makes of a result."""
    reason = KNOWN.get(identifier)
    if reason is None:
        assert not differences, "\n".join(differences)
    else:
        assert differences, f"{identifier} agrees now: take it from the list of known differences"
        pytest.xfail(reason)
