"""The child that makes a page: the folder is its argument, the job a line of JSON on stdin."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from corral.tune.jobs.folder import JobFolder
from corral.tune.jobs.job import Job
from corral.tune.report.page import page


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    events = list(JobFolder(Path(sys.argv[1])).events())
    sys.stdout.buffer.write(page(job, events).encode())


if __name__ == "__main__":
    main()
