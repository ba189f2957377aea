"""A conversation that is too long: what was left out is said, and nothing is said where nothing was."""

import pytest

from tests.helpers.questions import GREEDY

pytestmark = pytest.mark.slow

LONG = [{"role": role, "content": "word " * 60} for role in ("user", "assistant", "user", "assistant")]
LAST = {"role": "user", "content": "capital of peru"}
WINDOW = {"options": GREEDY | {"num_ctx": 256, "num_predict": 5}, "think": False, "stream": False}


@pytest.fixture(scope="module")
def models(server):
    server.create("peer-legacy", "peer-plain.gguf", template="U:{{ .Prompt }} A:{{ .Response }};")
    return server


@pytest.mark.parametrize("model", ["peer", "peer-legacy"])
def test_the_last_record_and_the_log_tell_of_messages_that_were_left_out(models, model):
    answer = models.post("/api/chat", {"model": model, "messages": [*LONG, LAST], **WINDOW})
    assert 1 <= answer["truncated_messages"] < 4
    assert answer["prompt_limit"] == 256
    assert answer["prompt_eval_count"] < 256
    line = f"prompt cut: model={model}:latest dropped_messages={answer['truncated_messages']}"
    assert line in models.log.read_text()
    shown = models.post(
        "/api/chat", {"model": model, "messages": [*LONG, LAST], **WINDOW, "_debug_render_only": True}
    )
    kept = shown["_debug_info"]["rendered_template"].count("word " * 60)
    assert kept == len(LONG) - answer["truncated_messages"]


@pytest.mark.parametrize("model", ["peer", "peer-legacy"])
def test_nothing_is_said_where_nothing_was_left_out(models, model):
    answer = models.post("/api/chat", {"model": model, "messages": [LAST], **WINDOW})
    assert not {"truncated_messages", "prompt_limit"} & answer.keys()


def test_a_prompt_whose_middle_was_cut_has_a_limit_and_no_messages(models):
    answer = models.post("/api/generate", {"model": "peer-legacy", "prompt": "word " * 400, **WINDOW})
    assert "truncated_messages" not in answer
    assert answer["prompt_limit"] == 256
