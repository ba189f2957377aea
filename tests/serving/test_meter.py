import contextlib

import pytest

from corral.core.events import Done, Text, Thinking, Usage
from corral.errors import Cancelled, NotAnEmbedder
from corral.serving.answers import Answer
from corral.serving.meter import Meter


class Books:
    """Remembers what it is told."""

    def __init__(self):
        self.gaps = []
        self.pieces = 0
        self.ends = []

    def pace(self, model):
        def batch(gap_s, num_pieces):
            self.gaps += [] if gap_s is None else [gap_s]
            self.pieces += num_pieces

        return batch

    def ended(self, meter):
        self.ends.append((meter.result, meter.prompt_tokens, meter.completion_tokens))


class Lease:
    load_s = 1.5
    wait_s = 0.5


@pytest.fixture
def books():
    return Books()


@pytest.fixture
def meter(books):
    started = Meter("chat", books)
    started.leased(Lease())
    return started


def test_the_counts_of_the_engine_replace_our_own(meter, books):
    meter.batch([Thinking("hm"), Text("a")])
    meter.batch([Done("stop", Usage(prompt_tokens=9, completion_tokens=5))])
    meter.end()
    assert books.ends == [("ok", 9, 5)]


def test_an_answer_that_its_client_left_counts_what_is_known(meter, books):
    meter.prefilled(9, 0)
    meter.batch([Text("a"), Text("b")])
    meter.end()
    assert books.ends == [("left", 9, 2)]


def test_the_end_is_told_once(meter, books):
    meter.end()
    meter.end()
    assert len(books.ends) == 1


def test_the_first_batch_is_the_time_to_the_first_token_and_the_others_are_the_pace(meter, books):
    for _ in range(3):
        meter.batch([Text("a")])
    assert len(books.gaps) == 2
    assert 0 <= meter.first_s <= meter.elapsed_s


ENDS = [(None, "ok"), (NotAnEmbedder("no"), "error"), (Cancelled(), "left")]


@pytest.mark.parametrize(("error", "result"), ENDS)
def test_a_request_that_is_over_with_its_block_ends_as_the_block_does(books, error, result):
    meter = Meter("embed", books)
    with contextlib.suppress(NotAnEmbedder, Cancelled), meter.watching():
        meter.prefilled(4, 0)
        if error is not None:
            raise error
    assert books.ends == [(result, 4, 0)]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_answer_tells_its_meter_of_batches_and_of_its_end(meter, books, anyio_backend):
    async def batches():
        yield []
        yield [Text("a")]
        yield [Done("stop", Usage(prompt_tokens=3, completion_tokens=1))]

    answer = Answer(batches()).metered(meter)
    await answer.collect()
    assert (books.ends, len(books.gaps)) == ([("ok", 3, 1)], 1)
