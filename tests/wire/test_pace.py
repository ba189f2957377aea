import asyncio

from corral.wire import Streaming


async def one_by_one(chunks):
    for chunk in chunks:
        yield chunk


def times_of_writes(chunks):
    """When each chunk was written, in seconds since the first."""

    async def run():
        loop = asyncio.get_running_loop()
        began, written = loop.time(), []

        async def send(message):
            if message.get("body"):
                written.append((message["body"], loop.time() - began))

        await Streaming(one_by_one(chunks), content_type="text/plain")({}, asyncio.Event().wait, send)
        return written

    return asyncio.run(run())


def test_the_beginning_is_written_at_once_and_what_follows_keeps_its_distance():
    written = times_of_writes([b"%d" % number for number in range(18)])
    assert [chunk for chunk, _ in written] == [b"%d" % number for number in range(18)]
    times = [moment for _, moment in written]
    assert times[16] - times[15] >= 0.004
    assert times[17] - times[16] >= 0.004
