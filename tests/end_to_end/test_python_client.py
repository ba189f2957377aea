"""The `ollama` Python library, unchanged, against a real server."""

import asyncio

import httpx
import ollama
import pytest

from tests.helpers.questions import ANSWER, GREEDY, MESSAGES, QUESTION

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(server):
    client = ollama.Client(host=server.base_url)
    yield client
    client._client.close()


def in_loop(server, work):
    """Run `work(client)` with an AsyncClient."""

    async def whole():
        client = ollama.AsyncClient(host=server.base_url)
        async with client._client:
            return await work(client)

    return asyncio.run(whole())


def test_chat_gives_the_whole_answer(client):
    answer = client.chat("peer", MESSAGES, think=False, options=GREEDY)
    assert answer.message.content == ANSWER
    assert answer.done_reason == "stop"
    assert answer.eval_count == 8


def test_chat_streams_the_answer_piece_by_piece(client):
    pieces = list(client.chat("peer", MESSAGES, think=False, options=GREEDY, stream=True))
    assert "".join(piece.message.content or "" for piece in pieces) == ANSWER
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert len(pieces) > 4


def test_chat_separates_thinking_from_the_answer(client):
    question = [{"role": "user", "content": "What is 12 multiplied by 15? Give the final answer."}]
    answer = client.chat("peer", question, think=True, options=GREEDY)
    assert answer.message.content == "12 times 15 is 180."
    assert answer.message.thinking.startswith("12 times 10 is 120.")


def test_chat_calls_a_python_function(client):
    def get_weather(location: str) -> str:
        """Get the current weather.

        Args:
            location: the city
        """
        return f"sunny in {location}"

    question = [{"role": "user", "content": "Call get_weather with location set to San Francisco."}]
    answer = client.chat("peer", question, tools=[get_weather], think=False, options=GREEDY)
    (call,) = answer.message.tool_calls
    assert get_weather(**call.function.arguments) == "sunny in San Francisco"


def test_chat_holds_the_answer_to_a_schema(client):
    schema = {"type": "string", "enum": ["Lima", "Rome"]}
    answer = client.chat("peer", MESSAGES, format=schema, think=False, options=GREEDY)
    assert answer.message.content == '"Lima"'


def test_generate_gives_the_whole_answer_and_its_tokens(client):
    answer = client.generate("peer", QUESTION, think=False, options=GREEDY)
    assert answer.response == ANSWER
    assert len(answer.context) == answer.prompt_eval_count + answer.eval_count - 1


def test_generate_streams(client):
    pieces = list(client.generate("peer", QUESTION, think=False, options=GREEDY, stream=True))
    assert "".join(piece.response for piece in pieces) == ANSWER
    assert pieces[-1].done


def test_list_names_the_models(client):
    models = {model.model: model for model in client.list().models}
    assert {"peer:latest", "embed:latest"} <= models.keys()
    assert models["peer:latest"].details.family == "llama"


def test_show_tells_what_the_model_can(client):
    shown = client.show("peer")
    assert set(shown.capabilities) == {"completion", "tools", "thinking"}
    assert shown.modelinfo["general.architecture"] == "llama"


def test_ps_names_a_loaded_model(client):
    client.generate("peer", keep_alive="5m")
    (loaded,) = [model for model in client.ps().models if model.model == "peer:latest"]
    assert loaded.size > 0
    assert loaded.context_length == 2048


def test_embed_gives_one_unit_vector_for_each_text(client):
    vectors = client.embed("embed", ["cat", "dog", "a cat"]).embeddings
    assert len(vectors) == 3
    assert sum(value * value for value in vectors[0]) == pytest.approx(1.0, abs=1e-4)


def test_a_created_model_can_be_used_copied_and_deleted(client):
    client.create("kind", from_="peer", system="You are a helpful assistant.", parameters={"temperature": 0})
    client.copy("kind", "kinder")
    client.delete("kind")
    assert client.chat("kinder", MESSAGES, think=False).message.content == ANSWER
    client.delete("kinder")
    assert not {"kind:latest", "kinder:latest"} & {model.model for model in client.list().models}


def test_create_reports_its_steps(client):
    steps = [step.status for step in client.create("steps", from_="peer", system="Be kind.", stream=True)]
    client.delete("steps")
    assert steps[-1] == "success"
    assert "writing manifest" in steps


def test_an_unknown_model_is_a_response_error_with_status_404(client):
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat("nope", MESSAGES)
    assert (caught.value.status_code, caught.value.error) == (404, "model 'nope' not found")


def test_the_async_client_chats(server):
    answer = in_loop(server, lambda client: client.chat("peer", MESSAGES, think=False, options=GREEDY))
    assert answer.message.content == ANSWER


def test_the_async_client_streams(server):
    async def stream(client):
        pieces = await client.chat("peer", MESSAGES, think=False, options=GREEDY, stream=True)
        return [piece.message.content async for piece in pieces]

    assert "".join(in_loop(server, stream)) == ANSWER


def test_the_async_client_generates_embeds_and_manages(server):
    async def work(client):
        answer = await client.generate("peer", QUESTION, think=False, options=GREEDY)
        vectors = (await client.embed("embed", "cat")).embeddings
        await client.copy("peer", "async-copy")
        names = [model.model for model in (await client.list()).models]
        await client.delete("async-copy")
        return answer.response, len(vectors), "async-copy:latest" in names

    assert in_loop(server, work) == (ANSWER, 1, True)


def test_several_requests_at_once_get_their_own_answers(server):
    questions = {
        "capital of peru": "The capital of Peru is Lima.",
        "Hello, how are you?": "Hello! I am doing well, thank you. How can I help you today?",
    }

    async def work(client):
        async def ask(question):
            messages = [{"role": "user", "content": question}]
            answer = await client.chat("peer", messages, think=False, options=GREEDY)
            return question, answer.message.content

        return await asyncio.gather(*(ask(question) for question in [*questions] * 4))

    assert dict(in_loop(server, work)) == questions


def test_the_library_finds_the_server_by_its_variable(server, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", server.base_url)
    client = ollama.Client()
    assert client._client.base_url == httpx.URL(server.base_url)
    assert client.list().models
    client._client.close()
