"""Jobs on the server's side: a queue, the child of the one that runs, and the model that comes of it.

In: a `Wanted` and files of clients. Out: `Job` values and their events. Called by the routes of `/api/tune`
and `/v1/fine_tuning`, and by `server` at start and end. Imports nothing that trains.
"""

from corral.tune.jobs.failures import raised
from corral.tune.jobs.folder import LOG, REPORT, JobFolder
from corral.tune.jobs.job import ENDED, Input, Job, Problem, State, Summary, Wanted
from corral.tune.jobs.jobs import Jobs
from corral.tune.jobs.summary import remaining_s

__all__ = [
    "ENDED",
    "LOG",
    "REPORT",
    "Input",
    "Job",
    "JobFolder",
    "Jobs",
    "Problem",
    "State",
    "Summary",
    "Wanted",
    "raised",
    "remaining_s",
]
