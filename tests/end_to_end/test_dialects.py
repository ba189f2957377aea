"""What the other dialects can do beyond the recorded exchanges, with real models."""

from __future__ import annotations

import json

import pytest

from tests.helpers.rerank_model import serve_reranker
from tests.helpers.server import wait_until

pytestmark = pytest.mark.slow

PLACE = {"type": "object", "properties": {"location": {"enum": ["Rome", "Oslo"]}}, "required": ["location"]}
PARITY = {"type": "object", "properties": {"even": {"type": "boolean"}}, "required": ["even"]}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": PLACE}},
    {"type": "function", "function": {"name": "is_even", "parameters": PARITY}},
]
HELLO = [{"role": "user", "content": "Hello, how are you?"}]
CHATML = (
    "{{ if .Tools }}<tool_call>{{ .Tools }}\n{{ end }}{{ range .Messages }}<|im_start|>{{ .Role }}\n"
    "{{ .Content }}{{ range .ToolCalls }}<tool_call>{{ .Function.Name }}{{ end }}<|im_end|>\n{{ end }}"
    "<|im_start|>assistant\n"
)


@pytest.fixture(scope="module", params=["native", "rendered", "family"])
def model(server, request):
    """The same weights, with each of the ways from a conversation to an answer."""
    name = f"chat-{request.param}"
    if request.param == "native":
        server.create(name, "peer-suite.gguf")
    elif request.param == "rendered":
        server.create(name, "peer-plain.gguf", template=CHATML, parameters={"stop": ["<|im_end|>"]})
    else:
        server.create(name, "peer-plain.gguf", renderer="qwen3-coder", parser="qwen3-coder")
    return name


@pytest.fixture(scope="module")
def reranker(server, tmp_path_factory):
    return serve_reranker(server, tmp_path_factory.mktemp("rerank"))


def chat(server, model, **fields):
    body = {"model": model, "messages": HELLO, "temperature": 0, "max_tokens": 60, "tools": TOOLS}
    (choice,) = server.post("/v1/chat/completions", body | fields)["choices"]
    return choice


def called(choice):
    return [
        (call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in choice["message"].get("tool_calls", ())
    ]


def test_a_named_tool_is_called_whatever_the_question(server, model):
    choice = chat(server, model, tool_choice={"type": "function", "function": {"name": "is_even"}})
    ((name, arguments),) = called(choice)
    assert (name, type(arguments["even"])) == ("is_even", bool)
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", "")


def test_one_of_the_tools_is_called_when_that_is_required(server, model):
    ((name, arguments),) = called(chat(server, model, tool_choice="required"))
    assert arguments.get("location") in ("Rome", "Oslo") if name == "get_weather" else "even" in arguments


def test_no_tool_is_called_where_none_may_be(server, model):
    choice = chat(server, model, tool_choice="none", reasoning_effort="none" if "native" in model else "")
    assert called(choice) == []
    assert choice["message"]["content"]


def test_a_forced_call_is_an_anthropic_block_too(server, model):
    tools = [{"name": "get_weather", "input_schema": PLACE}]
    body = {"model": model, "max_tokens": 60, "messages": HELLO, "temperature": 0, "tools": tools}
    answer = server.post("/v1/messages", body | {"tool_choice": {"type": "any"}})
    (block,) = answer["content"]
    assert (block["type"], block["name"], answer["stop_reason"]) == ("tool_use", "get_weather", "tool_use")
    assert block["input"]["location"] in ("Rome", "Oslo")


@pytest.mark.parametrize("more", [{}, {"system": "Be kind."}, {"thinking": {"type": "disabled"}}])
def test_tokens_are_counted_as_the_engine_reads_them(server, model, more):
    body = {"model": model, "messages": HELLO} | more
    counted = server.post("/v1/messages/count_tokens", body)["input_tokens"]
    usage = server.post("/v1/messages", body | {"max_tokens": 1})["usage"]
    # What an earlier test has had read counts apart.
    assert counted == usage["input_tokens"] + usage.get("cache_read_input_tokens", 0)


def test_choices_with_a_seed_differ_and_can_be_had_again(server):
    body = {"model": "peer", "messages": HELLO, "temperature": 2.5, "max_tokens": 12, "n": 3, "seed": 11}
    first, again = (server.post("/v1/chat/completions", body) for _ in range(2))
    texts = [[choice["message"] for choice in answer["choices"]] for answer in (first, again)]
    assert texts[0] == texts[1]
    assert len({json.dumps(message) for message in texts[0]}) > 1
    assert first["usage"]["completion_tokens"] == 36


def test_a_client_that_leaves_frees_the_slots_of_all_choices(server):
    schema = {"type": "array", "items": {"enum": [1, 2]}, "minItems": 500}
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    body = {"model": "peer", "messages": HELLO, "n": 3, "stream": True, "response_format": form}
    with server.stream("/v1/chat/completions", body | {"reasoning_effort": "none"}) as answer:
        assert answer.readline().startswith(b"data: ")

    def is_idle():
        models = json.loads(server.request("GET", "/api/ps?verbose=1")[1])["models"]
        return all(model["in_flight"] == 0 for model in models)

    wait_until(is_idle, message="a choice still holds its slot")


def test_documents_are_ranked_by_their_own_scores(server, reranker):
    documents = ["panda bear", "hello", "what is a dog", "panda bear"]
    body = {"model": reranker, "query": "what is a panda", "documents": documents}
    results = server.post("/api/rerank", body)["results"]
    scores = {result["index"]: result["relevance_score"] for result in results}
    assert [result["relevance_score"] for result in results] == sorted(scores.values(), reverse=True)
    assert scores[0] == scores[3]
    assert len(set(scores.values())) == 3
    assert all(0 < score < 1 for score in scores.values())

    turned = server.post("/v1/rerank", body | {"documents": documents[::-1], "top_n": 2})["results"]
    assert len(turned) == 2
    assert [scores[3 - result["index"]] for result in turned] == [r["relevance_score"] for r in turned]


def test_a_long_document_is_cut_to_what_the_model_reads(server, reranker):
    body = {"model": reranker, "query": "cat", "documents": ["dog " * 500]}
    whole = server.post("/api/rerank", body)
    assert 32 < whole["prompt_eval_count"] <= 64
    shorter = server.post("/v1/rerank", body | {"max_tokens_per_doc": 5})
    assert shorter["usage"]["total_tokens"] < 16
    status, answer = server.request("POST", "/api/rerank", body | {"truncate": False})
    assert (status, json.loads(answer)["error"]) == (400, "the input length exceeds the context length")


def test_each_model_does_what_it_is_made_for(server, reranker):
    assert server.post("/api/show", {"model": reranker})["capabilities"] == ["rerank"]
    question = {"query": "q", "documents": ["d"]}
    status, answer = server.request("POST", "/v1/rerank", {"model": "peer"} | question)
    assert (status, json.loads(answer)["error"]["message"]) == (400, '"peer" does not support rerank')
    assert server.request("POST", "/api/embed", {"model": reranker, "input": "x"})[0] == 501


@pytest.mark.parametrize("text", ["Hello, how are you?", "", "a  b\n\tc", "\u00e9\U0001f603"])
def test_tokens_become_the_same_text_again(server, text):
    tokens = server.post("/api/tokenize", {"model": "peer", "text": text})["tokens"]
    assert bool(tokens) == bool(text)
    assert server.post("/api/detokenize", {"model": "peer", "tokens": tokens})["text"] == text


@pytest.mark.parametrize("token", [-1, 10**6])
@pytest.mark.parametrize(
    ("path", "key", "more"),
    [("/api/detokenize", "tokens", {}), ("/api/generate", "context", {"prompt": "Who are you?"})],
)
def test_a_number_that_is_no_token_is_refused(server, token, path, key, more):
    status, answer = server.request("POST", path, {"model": "peer", key: [token], **more})
    assert (status, json.loads(answer)["error"]) == (
        400,
        "not all of these numbers are tokens of the model",
    )
