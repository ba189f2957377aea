import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.core.names import ModelName, Reference, parse_reference
from corral.errors import InvalidInput, InvalidName


@pytest.mark.parametrize(
    ("text", "full", "short"),
    [
        ("peer", "registry.ollama.ai/library/peer:latest", "peer:latest"),
        ("peer:7b", "registry.ollama.ai/library/peer:7b", "peer:7b"),
        ("me/peer", "registry.ollama.ai/me/peer:latest", "me/peer:latest"),
        ("hf.co/me/peer:Q4", "hf.co/me/peer:Q4", "hf.co/me/peer:Q4"),
        ("localhost:5000/me/peer", "localhost:5000/me/peer:latest", "localhost:5000/me/peer:latest"),
        ("https://hf.co/me/peer", "hf.co/me/peer:latest", "hf.co/me/peer:latest"),
    ],
)
def test_what_a_name_leaves_out_is_filled_in(text, full, short):
    name = ModelName.parse(text)
    assert (name.full, name.short, str(name)) == (full, short, short)


@pytest.mark.parametrize(
    "text", ["", ":", "a:", "/a", "a//b", "../a", "a/..", "-a", "a:b:c", "a b", "a\x00", "x" * 81]
)
def test_a_text_outside_the_grammar_is_no_name(text):
    with pytest.raises(InvalidName):
        ModelName.parse(text)


@given(st.text(max_size=60))
def test_no_part_of_a_name_leads_out_of_a_folder(text):
    try:
        parts = ModelName.parse(text).parts
    except InvalidName:
        return
    assert all(part not in ("", ".", "..") and not set(part) & set("/\\\0") for part in parts)


@given(st.from_regex(r"[a-z][a-z0-9._-]{0,20}(:[a-z][a-z0-9]{0,5})?", fullmatch=True))
def test_the_short_form_means_the_same_name(text):
    name = ModelName.parse(text)
    assert ModelName.parse(name.short) == ModelName.parse(name.full) == name


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("peer", Reference("peer")),
        ("peer:cloud", Reference("peer", cloud=True)),
        ("peer:20b-cloud", Reference("peer:20b", cloud=True)),
        (" peer:Local ", Reference("peer", local=True)),
        ("host:80/a/peer", Reference("host:80/a/peer")),
    ],
)
def test_the_source_is_cut_from_a_reference(text, reference):
    assert parse_reference(text) == reference


def test_a_reference_has_one_source_at_most():
    with pytest.raises(InvalidInput, match="not both"):
        parse_reference("peer:local:cloud")
