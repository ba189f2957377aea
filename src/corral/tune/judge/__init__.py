"""Whether a tuned model is better than its base: held-out loss, and prompts whose answers are checked.

In: a file of prompts with what their answers must hold, the base and the adapter, losses. Out: a `Judged`
with the reason. Prompts walk the same road as requests to the server.
"""

from corral.tune.judge.ask import Answered, ask_prompts, served_alone
from corral.tune.judge.expect import Expected
from corral.tune.judge.prompts import Check, read_checks
from corral.tune.judge.verdict import HELD_OUT, TRAINED, judge

__all__ = [
    "HELD_OUT",
    "TRAINED",
    "Answered",
    "Check",
    "Expected",
    "ask_prompts",
    "judge",
    "read_checks",
    "served_alone",
]
