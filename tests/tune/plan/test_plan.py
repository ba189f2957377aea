from __future__ import annotations

from dataclasses import replace

import pytest

from corral.errors import NotEnoughMemory
from corral.tune.plan import Machine, Sizes, course_of, learning_rate, make_plan, memory_of, settle
from corral.tune.spec import Options

GB = 1 << 30
# As Qwen3 0.6B has them.
SIZES = Sizes(
    parameters=596_000_000,
    packable=440_000_000,
    adapted=28 * 25_000,
    blocks=28,
    width=1024,
    ffn_width=3072,
    heads=16,
    vocabulary=151_936,
    largest_tensor=155_582_464,
    has_scores=False,
)
ROWS = [(400, 100)] * 100 + [(1000, 300)]


def settings(**options):
    return settle(Options(**options), "balanced", width=1024, context_length=40960)


def plan_for(free: int, *, kind="cpu", packs=False, **options):
    machine = Machine(kind, "a machine", free, 2, packs)
    return make_plan(settings(**options), SIZES, ROWS, 5, machine)


def test_with_room_nothing_is_computed_twice():
    run = plan_for(64 * GB).run
    assert (run.checkpointing, run.is_half) == (False, False)


def test_where_room_is_short_blocks_are_computed_again():
    plan = plan_for(8 * GB)
    assert plan.run.checkpointing
    assert plan.memory.total <= 8 * GB


def test_with_less_room_fewer_rows_are_computed_at_once():
    rows = [plan_for(free * GB, gradient_checkpointing=True).run.rows for free in (64, 10, 7)]
    assert rows == sorted(rows, reverse=True)
    assert rows[0] > rows[-1] >= 1


def test_what_cannot_fit_is_refused_with_the_numbers():
    with pytest.raises(NotEnoughMemory) as raised:
        plan_for(1 * GB)
    assert raised.value.message == (
        "tuning this model with rows of up to 1000 tokens takes 3.7 GB at least; "
        "1.1 GB of memory are free, of which 858 MB may be used"
    )


def test_a_gpu_that_can_takes_the_base_in_4_bits_unless_the_user_says_no():
    assert plan_for(40 * GB, kind="cuda", packs=True).run.is_packed
    assert not plan_for(40 * GB, kind="cuda", packs=True, quantized_base=False).run.is_packed
    assert not plan_for(40 * GB, kind="cuda").run.is_packed


def test_a_base_in_4_bits_is_smaller():
    run = plan_for(40 * GB, kind="cuda", packs=True).run
    packed, plain = memory_of(SIZES, run), memory_of(SIZES, replace(run, is_packed=False))
    assert packed.weights < 0.6 * plain.weights


def test_the_plan_says_every_option_as_it_holds():
    options = plan_for(64 * GB, rank=8, micro_batch_size=2).options()
    assert (options["rank"], options["alpha"], options["micro_batch_size"]) == (8, 16, 2)
    assert options["precision"] == "float32"
    assert all(value is not None for name, value in options.items() if name != "max_steps")


@pytest.mark.parametrize(
    ("rows", "options", "steps"),
    [
        (1600, {}, 300),  # three epochs
        (60, {}, 100),  # few examples are seen more often
        (60, {"epochs": 2}, 8),
        (60, {"epochs": 0.1}, 1),
        (1600, {"max_steps": 7}, 7),
        (64, {"epochs": 1, "batch_size": 4}, 16),
    ],
)
def test_steps_follow_from_rows_and_options(rows: int, options: dict, steps: int):
    assert course_of(settings(**options), rows, 100).steps == steps


def test_a_handful_of_held_out_rows_does_not_end_a_run():
    assert course_of(settings(), 60, 3).early_stop == 0
    assert course_of(settings(), 600, 30).early_stop == 3


def test_the_learning_rate_rises_and_falls_to_a_tenth():
    chosen = settings(learning_rate=1.0, warmup_ratio=0.1)
    rates = [learning_rate(step, 100, chosen) for step in range(100)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
