"""What a state on disk belongs to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from corral.tune.plan import Machine, Sizes, make_plan, settle
from corral.tune.spec import Options

pytestmark = pytest.mark.slow  # torch

SIZES = Sizes(
    parameters=500_000_000, packable=0, adapted=1000, blocks=24, width=1024, ffn_width=4096, heads=8,
    vocabulary=32_000, largest_tensor=1000, has_scores=False,
)  # fmt: skip
JOB = SimpleNamespace(
    data=SimpleNamespace(digest="d"), weights=Path("sha256-a"), model=SimpleNamespace(adapters=()),
    spec=SimpleNamespace(checkpoint=""),
)  # fmt: skip


def plan(free: int, **options):
    settings = settle(Options(**options), "balanced", width=1024, context_length=2048)
    return make_plan(settings, SIZES, [(1000, 100)] * 20, 2, Machine("cpu", "here", free, 1))


def test_a_run_goes_on_where_less_memory_is_free():
    from corral.tune.train.job import _identity

    much, little = plan(1 << 36), plan(4 << 30)
    assert much.run.rows > little.run.rows
    assert _identity(JOB, much) == _identity(JOB, little)


def test_a_run_of_other_options_or_rows_is_another():
    from corral.tune.train.job import _identity

    found = {
        _identity(JOB, plan(1 << 36)),
        _identity(JOB, plan(1 << 36, seed=1)),
        _identity(JOB, replace(plan(1 << 36), machine=Machine("cuda", "there", 1 << 36, 1))),
        _identity(SimpleNamespace(**vars(JOB) | {"data": SimpleNamespace(digest="e")}), plan(1 << 36)),
    }
    assert len(found) == 4
