"""Whatever JSON comes, the readers make a request of it or refuse it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.core import gojson
from corral.errors import InvalidInput
from corral.openai.responses.shapes import read_responses
from corral.openai.shapes import read_chat, read_completion, read_embeddings

WORDS = [
    "messages",
    "input",
    "content",
    "role",
    "type",
    "tool_calls",
    "function",
    "arguments",
    "name",
    "tools",
    "parameters",
    "text",
    "image_url",
    "input_audio",
    "output",
    "call_id",
    "summary",
    "encrypted_content",
    "reasoning",
    "format",
    "schema",
    "properties",
    "stop",
]
TEXTS = ["user", "assistant", "tool", "text", "image_url", "input_audio", "input_text", "input_image", "{}"]
TEXTS += ["message", "function_call", "function_call_output", "reasoning", "function", "namespace", "", "é"]
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-2, 2) | st.sampled_from(TEXTS)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=15,
)
BODIES = st.dictionaries(st.sampled_from(WORDS), JSON, max_size=5)


@pytest.mark.parametrize("read", [read_chat, read_completion, read_embeddings, read_responses])
@given(body=BODIES)
def test_any_body_is_read_or_refused(read, body):
    with contextlib.suppress(InvalidInput):
        read(gojson.encode({"model": "m"} | body))


@given(messages=st.lists(st.dictionaries(st.sampled_from(WORDS), JSON), min_size=1, max_size=3))
def test_any_messages_are_read_or_refused(messages):
    for key, read in (("messages", read_chat), ("input", read_responses)):
        with contextlib.suppress(InvalidInput):
            read(gojson.encode({"model": "m", key: messages}))
