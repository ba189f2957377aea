from __future__ import annotations

import math

import pytest

from corral.tune.data import Place
from corral.tune.judge import Answered, judge


def answers(passed: str) -> list[Answered]:
    """One answer for each character: `x` did not pass."""
    return [
        Answered(Place("p", at), f"q{at}", "a", "is wrong" if mark == "x" else "")
        for at, mark in enumerate(passed, 1)
    ]


@pytest.mark.parametrize(
    ("before", "after", "better", "reason"),
    [
        ((2.0, ""), (1.0, ""), True, "held-out loss 2.000 -> 1.000"),
        ((2.0, "x."), (1.0, ".."), True, "held-out loss 2.000 -> 1.000, prompts passed 1 -> 2 of 2"),
        ((2.0, ".x"), (1.0, "x."), True, "held-out loss 2.000 -> 1.000, prompts passed 1 -> 1 of 2"),
        ((2.0, "." * 40), (1.0, "xx" + "." * 38), True,
         "held-out loss 2.000 -> 1.000, prompts passed 40 -> 38 of 40"),
        ((2.0, ""), (2.0, ""), False, "the held-out loss did not fall (2.000 -> 2.000)"),
        ((2.0, "x"), (2.5, "."), False, "the held-out loss did not fall (2.000 -> 2.500)"),
        ((2.0, ""), (math.nan, ""), False,
         "the held-out loss is no number: the training broke down; try a lower learning rate"),
        ((2.0, ".."), (1.0, ".x"), False, "1 prompts that the base passed fail now, such as 'q2' (is wrong)"),
        ((1.0, "." * 40), (2.0, "xxx" + "." * 37), False,
         "the held-out loss did not fall (1.000 -> 2.000); 3 prompts that the base passed fail now, "
         "such as 'q1' (is wrong), 'q2' (is wrong), 'q3' (is wrong)"),
    ],
)  # fmt: skip
def test_better_means_a_lower_loss_and_hardly_a_prompt_lost(before, after, better: bool, reason: str):
    found = judge(before[0], after[0], answers(before[1]), answers(after[1]))
    assert (found.better, found.reason) == (better, reason)
    assert found.prompts == len(before[1])
    assert found.passed_before == before[1].count(".")
    assert found.passed_after == after[1].count(".")
