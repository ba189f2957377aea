from dataclasses import replace
from pathlib import Path

import pytest

from corral.core.options import Options
from corral.errors import LoadError, Unsupported
from corral.scheduler.demand import limit_context, make_demand
from tests.helpers.build_model import build_model

VISION = ("completion", "vision")


@pytest.mark.parametrize(
    ("asked", "capabilities", "trained", "expected"),
    [
        (4096, ("completion",), 8192, 4096),
        (1, ("completion",), 8192, 4),
        (64, VISION, 8192, 2048),
        (100_000, ("completion",), 8192, 8192),
        (100_000, ("completion",), 0, 100_000),
        (64, VISION, 1024, 1024),
    ],
)
def test_a_context_window_is_kept_within_what_the_model_can_do(asked, capabilities, trained, expected):
    assert limit_context(build_model(capabilities=capabilities, context_length=trained), asked) == expected


def test_a_file_without_a_length_of_texts_is_refused_before_the_engine_crashes_on_it():
    model = build_model(context_length=0)
    with pytest.raises(LoadError, match=r"says nothing, or 0, .* \(llama.context_length\)"):
        make_demand(model, Options(), given=None, shift=None)


@pytest.mark.parametrize(
    ("options", "given", "num_ctx"),
    [
        (Options(), None, None),
        (Options(num_ctx=64), None, 64),
        (Options(num_ctx=64), frozenset({"num_ctx"}), 64),
        (Options(num_ctx=64), frozenset({"seed"}), None),
    ],
)
def test_only_named_options_count_as_asked_for(options, given, num_ctx):
    assert make_demand(build_model(), options, given=given, shift=None).num_ctx == num_ctx


@pytest.mark.parametrize("value", [0, -3])
def test_values_that_would_abort_the_engine_mean_automatic(value):
    demand = make_demand(build_model(), Options(num_batch=value, num_thread=value), given=None, shift=None)
    assert (demand.num_batch, demand.num_threads) == (None, 0)


def test_huge_batches_and_thread_counts_are_cut():
    demand = make_demand(build_model(), Options(num_batch=10**9, num_thread=10**9), given=None, shift=None)
    assert (demand.num_batch, demand.num_threads) == (8192, 256)


@pytest.mark.parametrize(
    ("family", "shift", "expected"),
    [("llama", None, True), ("deepseek2", None, False), ("deepseek2", True, True), ("llama", False, False)],
)
def test_context_shift_is_on_unless_the_family_or_the_request_says_no(family, shift, expected):
    assert make_demand(build_model(family=family), Options(), given=None, shift=shift).shift is expected


def test_a_draft_model_makes_four_draft_tokens_the_default(tmp_path):
    draft = tmp_path / "draft"
    draft.write_bytes(b"12345")
    demand = make_demand(build_model(draft=draft), Options(), given=None, shift=None)
    assert (demand.draft_num_predict, demand.extras_size) == (4, 5)


def test_a_missing_adapter_file_is_a_load_error():
    with pytest.raises(LoadError, match="cannot read gone"):
        make_demand(build_model(adapters=(Path("/nowhere/gone"),)), Options(), given=None, shift=None)


def test_a_model_without_weights_cannot_be_leased():
    with pytest.raises(Unsupported):
        make_demand(replace(build_model(), weights=None), Options(), given=None, shift=None)


def test_the_retired_vision_model_is_refused_with_advice(tmp_path):
    projector = tmp_path / "projector"
    projector.write_bytes(b"1")
    with pytest.raises(LoadError, match="no longer compatible"):
        make_demand(build_model(family="mllama", projectors=(projector,)), Options(), given=None, shift=None)
