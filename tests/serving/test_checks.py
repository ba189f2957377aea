from __future__ import annotations

import dataclasses

import pytest

from corral.core.messages import Tool
from corral.core.requests import GenerateRequest, RerankRequest, ToolChoice
from corral.errors import CloudDisabled, InvalidFormat, InvalidInput, Unsupported
from corral.serving import checks
from tests.helpers.build_model import build_model

PLAIN = dataclasses.replace(build_model(), capabilities=("completion",))
TOOLS = (Tool("f"), Tool("g"))
THINKER = dataclasses.replace(build_model(), capabilities=("completion", "thinking"))


@pytest.mark.parametrize(
    ("think", "wanted"), [(None, True), (True, True), (False, False), ("low", "low"), ("max", "max")]
)
def test_a_model_that_reasons_does_so_unless_told_otherwise(think, wanted):
    assert checks.effective_think(THINKER, "m", think) == wanted


@pytest.mark.parametrize("think", [True, "high"])
def test_a_model_without_reasoning_refuses_to_be_told_to(think):
    with pytest.raises(Unsupported, match='"m" does not support thinking'):
        checks.effective_think(PLAIN, "m", think)


@pytest.mark.parametrize("think", [None, True, False, "low"])
def test_a_lenient_request_never_fails_for_thinking(think):
    assert checks.effective_think(PLAIN, "m", think, lenient=True) is None


def test_missing_capabilities_are_named_together():
    with pytest.raises(Unsupported, match="does not support tools\nvision"):
        checks.check_capabilities(PLAIN, {"tools": True, "vision": True, "insert": False})


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_format_means_no_format(value):
    assert checks.read_format(value) is None


@pytest.mark.parametrize("value", ["json", {}, {"type": "object"}])
def test_formats_are_json_or_a_schema(value):
    assert checks.read_format(value) == value


@pytest.mark.parametrize(
    ("value", "shown"), [("xml", '"\\"xml\\""'), (1, '"1"'), ([], '"[]"'), (True, '"true"')]
)
def test_any_other_format_is_refused_and_shown(value, shown):
    with pytest.raises(InvalidFormat) as found:
        checks.read_format(value)
    assert found.value.message == f'invalid format: {shown}; expected "json" or a valid JSON Schema object'


@pytest.mark.parametrize("more", [{"template": "t"}, {"system": "s"}, {"context": (1,)}])
def test_raw_goes_with_nothing_that_makes_a_prompt(more):
    with pytest.raises(InvalidInput, match="raw mode"):
        checks.check_raw(GenerateRequest(model="m", raw=True, **more))


def test_raw_with_an_empty_context_is_fine():
    request = GenerateRequest(model="m", raw=True, context=())
    assert checks.check_raw(request) is None


def test_a_model_in_the_cloud_cannot_be_had():
    with pytest.raises(CloudDisabled, match="ollama cloud is disabled: remote model is unavailable"):
        checks.local_reference("gpt-oss:20b-cloud")


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (ToolChoice(), "fg"),
        (ToolChoice("none"), ""),
        (ToolChoice("required"), "fg"),
        (ToolChoice("required", ("g",)), "g"),
        (ToolChoice("auto", ("f",)), "f"),
    ],
)
def test_the_model_is_told_of_the_tools_that_the_choice_leaves(choice, wanted):
    assert "".join(tool.name for tool in checks.offered_tools(TOOLS, choice)) == wanted


@pytest.mark.parametrize(
    ("tools", "choice", "message"),
    [
        ((), ToolChoice("required"), "asks for a call, but there are no 'tools'"),
        (TOOLS, ToolChoice("required", ("h",)), "Tool choice 'h' not found"),
        (TOOLS, ToolChoice("auto", ("f", "h")), "Tool choice 'h' not found"),
    ],
)
def test_a_choice_that_the_tools_cannot_meet_is_refused(tools, choice, message):
    with pytest.raises(InvalidInput, match=message):
        checks.offered_tools(tools, choice)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": " "}, "model is required"),
        ({"query": ""}, "query is required"),
        ({"documents": ()}, "must not be empty"),
        ({"top_n": -1}, "must not be negative"),
        ({"max_document_tokens": -1}, "must not be negative"),
    ],
)
def test_a_ranking_needs_a_model_a_query_and_documents(fields, message):
    asked = RerankRequest(**{"model": "m", "query": "q", "documents": ("d",)} | fields)
    with pytest.raises(InvalidInput, match=message):
        checks.check_rerank(asked)
