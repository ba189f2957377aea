import asyncio
import json

import httpx
import pytest

from corral.core.names import ModelName
from corral.errors import CorralError, RegistryError, Unsupported
from corral.registry import Endpoint, FoundModel, RegistryClient, search
from tests.helpers.fake_registry import mock_transport

HUB = [
    {
        "id": "a/Llama-GGUF",
        "downloads": 5,
        "likes": 2,
        "lastModified": "2026-01-02T03:04:05.000Z",
        "tags": [],
    },
    {"id": "b/Other", "downloads": 1},
]


def find(host, answer, *words, limit=20):
    """Search `host`, which gives `answer`; returns what is found and the address that was asked."""
    asked = []

    def reply(request):
        asked.append(str(request.url))
        return answer

    async def run():
        transport = mock_transport(reply)
        name = ModelName(host, "library", "any", "latest")
        endpoint = Endpoint(base=httpx.URL(f"https://{host}"))
        async with RegistryClient(name, endpoint, transport=transport) as client:
            return await search(client, words, limit)

    return asyncio.run(run()), asked


def test_the_hub_searches_itself():
    found, asked = find("hf.co", httpx.Response(200, json=HUB), "tiny", "llama")
    assert found == [
        FoundModel("hf.co/a/Llama-GGUF", 5, 2, "2026-01-02T03:04:05.000Z"),
        FoundModel("hf.co/b/Other", 1, 0, ""),
    ]
    assert asked == [
        "https://hf.co/api/models?search=tiny+llama&filter=gguf&sort=downloads&limit=20&full=true"
    ]


def test_a_catalog_is_looked_through_here():
    names = {"repositories": ["team/Qwen-small", "team/llama", "other/qwen"]}
    found, asked = find("models.test", httpx.Response(200, json=names), "qwen", "TEAM")
    assert found == [FoundModel("models.test/team/Qwen-small")]
    assert asked == ["https://models.test/v2/_catalog?n=10000"]


def test_no_more_are_found_than_were_asked_for():
    names = {"repositories": ["c", "b", "a"]}
    found, _ = find("models.test", httpx.Response(200, json=names), limit=2)
    assert [model.name for model in found] == ["models.test/a", "models.test/b"]


@pytest.mark.parametrize(
    ("host", "answer", "error"),
    [
        ("registry.ollama.ai", httpx.Response(200), Unsupported),
        ("models.test", httpx.Response(404), Unsupported),
        ("models.test", httpx.Response(200, text="<html>"), RegistryError),
        ("hf.co", httpx.Response(200, text=json.dumps({"error": 1})), RegistryError),
        ("hf.co", httpx.Response(503), RegistryError),
    ],
)
def test_where_there_is_no_search_that_is_told(host, answer, error):
    with pytest.raises(error) as caught:
        find(host, answer, "x")
    assert isinstance(caught.value, CorralError)
