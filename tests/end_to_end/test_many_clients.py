"""A hundred clients at once, all reading streams, on the packaged model."""

import asyncio
import json

import httpx
import psutil
import pytest

pytestmark = pytest.mark.slow

NUM_CLIENTS = 100
CAPITALS = {"Peru": "Lima", "France": "Paris", "Japan": "Tokyo", "Italy": "Rome"}
MEGABYTE = 1_000_000


async def ask(client, country):
    body = {
        "model": "pocket",
        "messages": [{"role": "user", "content": f"What is the capital city of {country}?"}],
        "think": False,
        "options": {"temperature": 0},
    }
    text, done = "", False
    async with client.stream("POST", "/api/chat", json=body) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            record = json.loads(line)
            text += record["message"]["content"]
            done = record["done"]
    return country, text, done


async def ask_all(base_url):
    limits = httpx.Limits(max_connections=NUM_CLIENTS)
    async with httpx.AsyncClient(base_url=base_url, limits=limits, timeout=100) as client:
        countries = [list(CAPITALS)[number % len(CAPITALS)] for number in range(NUM_CLIENTS)]
        return await asyncio.gather(*(ask(client, country) for country in countries))


def test_a_hundred_streams_at_once_all_end_with_the_right_answer(start):
    server = start()
    asyncio.run(ask_all(server.base_url))
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    answers = asyncio.run(ask_all(server.base_url))
    wrong = [(country, text) for country, text, done in answers if not done or CAPITALS[country] not in text]
    assert wrong == []
    after = process.memory_info().rss
    assert after - before < 20 * MEGABYTE
    assert after < 200 * MEGABYTE
