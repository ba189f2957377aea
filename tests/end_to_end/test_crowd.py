"""A crowd of good and bad clients: nobody is left out, and the server gives back what they took.

`python -m bench.crowd` is the same with a thousand connections, and answers that no buffer takes in.
"""

import asyncio
import json

import pytest

from bench.crowd import Crowd, meet
from tests.helpers.server import SERVE

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000
# The server must ask for more by itself.
WITH_FEW_FILES = ["sh", "-c", 'ulimit -S -n 256; exec "$@"', "sh", *SERVE]
CROWD = Crowd(idle=300, streams=30, deaf=10, slow=10, num_predict=200)


def test_a_crowd_of_clients_that_do_not_read_or_hardly_send_holds_up_nobody_and_leaves_nothing(start):
    server = start(env={"OLLAMA_NUM_PARALLEL": "4"}, command=WITH_FEW_FILES)
    report = asyncio.run(meet(server.port, CROWD))
    assert (report.answered, report.wrong) == (CROWD.streams, [])
    assert max(report.probe_s) < 5
    assert (report.waiting_after, report.in_progress_after) == (0, 0)
    assert report.files["after"] <= report.files["before"]
    assert report.memory["during"] - report.memory["before"] < 60 * MEGABYTE
    assert report.memory["after"] < 200 * MEGABYTE
    _, shown = server.request("GET", "/api/ps?verbose=1")
    assert json.loads(shown)["queue"] == []
    assert server.stop() == 0
