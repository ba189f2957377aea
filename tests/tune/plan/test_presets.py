from __future__ import annotations

from typing import Any

import pytest

from corral.errors import InvalidOption
from corral.tune.plan import settle
from corral.tune.spec import Options


def settings(options: Options | None = None, preset: Any = "balanced", *, width=4096, context_length=8192):
    return settle(options or Options(), preset, width=width, context_length=context_length)


def test_what_nobody_says_is_the_usual():
    found = settings()
    assert (found.rank, found.alpha, found.batch_size, found.early_stop) == (16, 32, 16, 3)
    assert found.learning_rate == 2e-4
    assert found.eval_fraction == 0.05


def test_what_the_user_says_holds():
    found = settings(Options(rank=4, epochs=2.5, learning_rate=1e-5, dropout=0.1, weight_decay=0.0, seed=7))
    assert (found.rank, found.alpha, found.epochs, found.dropout) == (4, 8, 2.5, 0.1)
    assert (found.learning_rate, found.weight_decay, found.seed) == (1e-5, 0.0, 7)


def test_small_networks_take_larger_steps():
    rates = [settings(width=width).learning_rate for width in (256, 1024, 4096, 8192)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 0.0011


def test_a_thorough_run_is_longer_and_finer_than_a_quick_one():
    quick, thorough = settings(preset="quick"), settings(preset="thorough")
    assert thorough.epochs > quick.epochs
    assert thorough.min_steps > quick.min_steps
    assert thorough.rank > quick.rank


def test_rows_are_never_longer_than_the_model_can_read():
    assert settings(context_length=512).max_length == 512


def test_a_word_on_epochs_is_the_last_word():
    assert settings(Options(epochs=1)).min_steps == 0
    assert settings(Options(max_steps=5)).min_steps > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(learning_rate=2.0), "learning_rate must be between 1e-08 and 1, not 2"),
        (Options(rank=0), "rank must be between 1 and 1024, not 0"),
        (Options(batch_size=0), "batch_size must be between 1 and 100000, not 0"),
        (Options(dropout=1.0), "dropout must be between 0 and 0.9, not 1"),
        (Options(max_length=4), "max_length must be between 16 and 1.04858e+06, not 4"),
        (Options(epochs=float("nan")), "epochs must be between 0.01 and 1000, not nan"),
    ],
)
def test_numbers_that_nothing_can_be_trained_with_are_refused(options: Options, message: str):
    with pytest.raises(InvalidOption) as raised:
        settings(options)
    assert raised.value.message == message
