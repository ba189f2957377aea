"""Whatever JSON comes, it is made a request or refused; what is a request can be estimated."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from corral.anthropic.estimate import estimate_tokens
from corral.anthropic.shapes import read_messages
from corral.core import gojson
from corral.errors import InvalidInput

WORDS = [
    "type",
    "text",
    "thinking",
    "content",
    "source",
    "data",
    "id",
    "name",
    "input",
    "tool_use_id",
    "title",
]
TEXTS = ["text", "thinking", "image", "tool_use", "tool_result", "server_tool_use", "web_search_tool_result"]
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([*TEXTS, "base64", "", "é"])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=15,
)
BLOCKS = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(TEXTS)}, optional=dict.fromkeys(WORDS[1:], JSON)),
    max_size=3,
)
MESSAGES = st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": BLOCKS | JSON}), min_size=1)


@given(messages=MESSAGES, system=JSON, tools=JSON)
def test_any_body_is_read_or_refused(messages, system, tools):
    body = {"model": "m", "max_tokens": 1, "messages": messages, "system": system, "tools": tools}
    with contextlib.suppress(InvalidInput):
        asked, _ = read_messages(gojson.encode(body))
        assert estimate_tokens(asked) >= 1
