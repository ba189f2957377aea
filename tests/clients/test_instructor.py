"""Instructor, unchanged: answers as models, by a schema and by a tool."""

from __future__ import annotations

from typing import Literal

import openai
import pytest
from pydantic import BaseModel

from tests.helpers.questions import QUESTION

instructor = pytest.importorskip("instructor", reason="pip install -e '.[clients]'")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


class Capital(BaseModel):
    """The capital of a country."""

    city: Literal["Lima", "Rome"]


@pytest.mark.parametrize("mode", [instructor.Mode.JSON_SCHEMA, instructor.Mode.TOOLS])
def test_an_answer_becomes_its_model(server, mode):
    with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key="none", max_retries=0) as plain:
        client = instructor.from_openai(plain, mode=mode)
        answer = client.chat.completions.create(
            model="peer",
            messages=[{"role": "user", "content": QUESTION}],
            response_model=Capital,
            max_retries=0,
            temperature=0,
            reasoning_effort="none",
        )
    assert isinstance(answer, Capital)
