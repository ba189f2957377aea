"""Every recorded exchange of the reference server, replayed against a real server."""

import pytest

from tests.parity import replay
from tests.parity.known_differences import KNOWN
from tests.parity.recorded import VECTORS, judge

GROUPS = replay.load_groups(VECTORS)
CLI = replay.load_cli(VECTORS)
# The wording of help is our own; these recordings are read by people.
CASES = [case for case in CLI["cases"] if not case["id"].startswith("cli/help")]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("group", "vector"),
    [pytest.param(group, vector, id=vector["id"]) for group in GROUPS for vector in group["vectors"]],
)
def test_the_server_answers_as_recorded(recorded, group, vector):
    judge(vector["id"], recorded.differences(group, vector))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_command_prints_as_recorded(recorded, case):
    judge(case["id"], recorded.cli_differences(CLI["setup"], case))


def test_every_known_difference_is_a_recorded_vector():
    recorded_ids = {vector["id"] for group in GROUPS for vector in group["vectors"]}
    assert KNOWN.keys() <= recorded_ids | {case["id"] for case in CASES}
