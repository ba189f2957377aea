"""What a job will do and take, before it does: options as they hold, memory, steps, time.

In: the user's options, what the base's file says, the rows' lengths, the machine. Out: `Settings`, then a
`Plan`, or an error with the numbers of why not. Pure: nothing is loaded or measured here. Called by the job's
child.
"""

from corral.tune.plan.memory import Memory, Run, Sizes, memory_of, sizes_of
from corral.tune.plan.plan import Machine, Plan, make_plan
from corral.tune.plan.presets import Settings, for_modes, settle
from corral.tune.plan.steps import FEW_ROWS, Course, course_of, learning_rate

__all__ = [
    "FEW_ROWS",
    "Course",
    "Machine",
    "Memory",
    "Plan",
    "Run",
    "Settings",
    "Sizes",
    "course_of",
    "for_modes",
    "learning_rate",
    "make_plan",
    "memory_of",
    "settle",
    "sizes_of",
]
