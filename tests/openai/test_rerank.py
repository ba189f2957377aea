import pytest

from corral import openai
from corral.core.requests import Ranked, Ranking, RerankRequest
from corral.errors import Unsupported
from tests.helpers.scripted_road import ScriptedRoad, post

pytestmark = pytest.mark.anyio
ASKED = {"model": "m", "query": "q", "documents": ["a", {"text": "b"}]}


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def rerank(road, path="/v1/rerank", **fields):
    return await post(openai.routes(road, None, None), path, ASKED | fields)


def ranking():
    return ScriptedRoad(ranking=Ranking((Ranked(1, 0.9), Ranked(0, 0.25)), 7))


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
async def test_documents_come_back_by_their_place_best_first(path):
    body = (await rerank(ranking(), path)).json()
    assert body["results"] == [
        {"index": 1, "relevance_score": 0.9},
        {"index": 0, "relevance_score": 0.25},
    ]
    assert body["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


async def test_documents_are_repeated_when_asked_for():
    body = (await rerank(ranking(), return_documents=True)).json()
    assert [result["document"] for result in body["results"]] == [{"text": "b"}, {"text": "a"}]


async def test_a_request_is_passed_on_whole():
    road = ranking()
    await rerank(road, top_n=1, max_tokens_per_doc=9, keep_alive=0, num_ctx=32)
    assert road.requests == [
        RerankRequest(
            model="m",
            query="q",
            documents=("a", "b"),
            top_n=1,
            options={"num_ctx": 32},
            keep_alive_s=0.0,
            max_document_tokens=9,
        )
    ]


async def test_a_document_without_text_is_refused():
    response = await rerank(ranking(), documents=["a", {"title": "b"}])
    message = "documents[1] must be a string or an object with a text"
    assert (response.status_code, response.json()["error"]["message"]) == (400, message)


async def test_a_model_that_cannot_rerank_is_an_error_in_the_form_of_this_dialect():
    response = await rerank(ScriptedRoad(refusal=Unsupported('"m" does not support rerank')))
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
