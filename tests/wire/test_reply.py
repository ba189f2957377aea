import pytest

from corral import api
from corral.core.events import Done, Rendered, Text
from corral.errors import Cancelled, RunnerCrashed, ServerBusy
from corral.wire import sse
from corral.wire.values import single_precision
from tests.helpers.scripted_road import ScriptedRoad, post

pytestmark = pytest.mark.anyio
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def chat(road, **fields):
    return await post(api.routes(road, None, None), "/api/chat", CHAT | fields)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "road",
    [
        ScriptedRoad([Text("a")], [Done("stop")]),
        ScriptedRoad(RunnerCrashed("gone")),
        ScriptedRoad([Text("a")], RunnerCrashed("gone")),
        ScriptedRoad(single=Rendered("prompt", 0)),
    ],
    ids=["complete", "failed", "broken off", "one event"],
)
async def test_an_answer_ends_its_lease_however_it_goes(road, stream):
    before = road.num_closed
    await chat(road, stream=stream)
    assert road.num_closed == before + 1


async def test_an_error_before_the_first_event_keeps_its_status():
    response = await chat(ScriptedRoad(RunnerCrashed("gone")))
    assert (response.status_code, response.json()) == (500, {"error": "gone"})


async def test_an_error_after_the_first_event_is_the_last_line():
    response = await chat(ScriptedRoad([Text("a")], RunnerCrashed("gone")))
    assert response.status_code == 200
    assert response.content.splitlines()[1:] == [b'{"error":"gone"}']


@pytest.mark.parametrize(("refusal", "status"), [(ServerBusy(), 503), (Cancelled(), 499)])
async def test_a_refusal_has_the_status_of_its_class(refusal, status):
    assert (await chat(ScriptedRoad(refusal=refusal))).status_code == status


@pytest.mark.parametrize(
    ("event", "expected"),
    [(sse.event(b"{}"), b"data: {}\n\n"), (sse.event(b"{}", "ping"), b"event: ping\ndata: {}\n\n")],
)
def test_an_event_is_its_fields_and_an_empty_line(event, expected):
    assert event == expected


def test_a_number_of_32_bits_has_no_more_digits_than_that():
    assert single_precision(0.06642947345972061) == 0.0664294735
