import json

from tests.helpers.scripted_server import Reply

CATALOG = "/v2/_catalog?n=10000"


def test_found_models_are_shown_as_they_can_be_pulled(server, corral):
    server.on("GET", CATALOG, Reply({"repositories": ["team/qwen", "team/llama"]}))
    host = f"127.0.0.1:{server.port}"
    outcome = corral("search", "qwen", "--registry", host, "--insecure")
    assert [line.split() for line in outcome.out.splitlines()] == [
        ["NAME", "DOWNLOADS", "LIKES", "MODIFIED"],
        [f"{host}/team/qwen", "-", "-", "-"],
    ]
    found = corral("search", "qwen", "--registry", host, "--insecure", "--json").out
    assert json.loads(found)["models"][0]["name"] == f"{host}/team/qwen"


def test_what_cannot_be_searched_is_told(server, corral):
    assert corral("search", "x", "--registry", "registry.ollama.ai").err == (
        "Error: registry.ollama.ai offers no search\nhint: leave --registry out to search Hugging Face\n"
    )
    assert corral("search", "x", "--limit", "0").err == "Error: --limit must be from 1 to 100\n"
    assert corral("search", "x", "--registry", "no host").err == "Error: invalid model name\n"
