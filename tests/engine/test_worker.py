from __future__ import annotations

import ctypes
import itertools

import pytest
import xllamacpp

from corral.engine.params import Adapter, LaunchParams, Lookup, batch_for, guesses_for, native_arguments
from corral.engine.worker import common_params

EVERYTHING = LaunchParams(
    model="/m.gguf",
    num_ctx=1000,
    num_slots=3,
    num_batch=128,
    num_threads=2,
    gpu_layers=5,
    main_gpu=1,
    use_mmap=False,
    repack=False,
    adapters=(Adapter("/a.gguf", 0.5),),
    projector="/p.gguf",
    draft="/d.gguf",
    draft_num_predict=6,
    lookup=Lookup(match=16, least=4, most=12),
    embedding=True,
    context_shift=False,
    prefill=False,
    kv_cache_type="q8_0",
    flash_attention=True,
    cache_mib=64,
)


def test_the_engine_has_every_attribute_that_is_set():
    p = common_params(xllamacpp, EVERYTHING, "/x.sock")
    assert (p.model.path, list(p.hostnames), p.n_ctx, p.n_parallel) == ("/m.gguf", ["/x.sock"], 3000, 3)
    assert (p.n_batch, p.n_ubatch, p.cpuparams.n_threads, p.cache_ram_mib) == (128, 128, 2, 64)
    assert (p.n_gpu_layers, p.main_gpu, p.embedding, p.ctx_shift, p.no_extra_bufts) == (
        5,
        1,
        True,
        False,
        True,
    )
    assert p.prefill_assistant is False
    assert p.mmproj.path == "/p.gguf"
    assert (p.speculative.draft.mparams.path, p.speculative.draft.n_max) == ("/d.gguf", 6)
    found = p.speculative.ngram_mod
    assert (found.n_match, found.n_min, found.n_max) == (16, 4, 12)
    assert [kind.name[len("COMMON_SPECULATIVE_TYPE_") :] for kind in p.speculative.types] == [
        "NGRAM_MOD",
        "DRAFT_SIMPLE",
    ]
    assert p.cache_type_k == xllamacpp.ggml_type.GGML_TYPE_Q8_0


@pytest.mark.parametrize(
    ("given", "field", "wanted"),
    [
        (LaunchParams(model="m", num_threads=0), "num_threads", 1),
        (LaunchParams(model="m", num_batch=0), "num_batch", 1),
        (LaunchParams(model="m", num_batch=1, num_slots=8), "num_batch", 8),
        (LaunchParams(model="m", num_slots=0), "num_slots", 1),
        (LaunchParams(model="m", num_ctx=-5), "num_ctx", 4),
        (LaunchParams(model="m", kv_cache_type="evil"), "kv_cache_type", ""),
        (LaunchParams(model="m", cache_mib=-1), "cache_mib", 0),
    ],
)
def test_values_that_the_engine_does_not_survive_are_brought_into_range(
    given: LaunchParams, field: str, wanted: object
):
    assert getattr(given.clamped(), field) == wanted


def test_a_native_server_gets_the_same_as_flags(tmp_path):
    words = native_arguments(EVERYTHING, tmp_path / "x.sock")
    pairs = dict(itertools.pairwise(words))
    assert (pairs["--ctx-size"], pairs["--parallel"], pairs["--lora-scaled"]) == ("3000", "3", "/a.gguf:0.5")
    assert (pairs["--spec-type"], pairs["--spec-ngram-mod-n-max"]) == ("ngram-mod,draft-simple", "12")
    assert {"--load-mode", "--no-repack", "--embeddings", "--no-context-shift"} <= set(words)
    assert "--no-prefill-assistant" in words


@pytest.mark.parametrize(
    ("embedding", "has_gpu", "num_threads", "wanted"),
    [
        (False, False, 1, 64),
        (False, False, 2, 64),
        (False, False, 8, 256),
        (False, False, 64, 512),
        (False, True, 2, 2048),
        (True, False, 2, 2048),
    ],
)
def test_on_a_cpu_a_client_that_leaves_is_noticed_after_a_batch_in_keeping_with_its_threads(
    embedding: bool, has_gpu: bool, num_threads: int, wanted: int
):
    params = LaunchParams(model="m", num_batch=2048, embedding=embedding, num_threads=num_threads)
    assert batch_for(params, has_gpu=has_gpu) == wanted


@pytest.mark.parametrize(
    ("num_slots", "batch", "wanted", "most"),
    [(1, 64, 12, 12), (1, 64, 64, 63), (8, 64, 12, 7), (64, 64, 4, 0), (4, 512, 48, 48)],
)
def test_the_guesses_of_all_slots_have_room_in_one_batch_or_the_engine_would_end(
    num_slots: int, batch: int, wanted: int, most: int
):
    assert guesses_for(LaunchParams(model="m", num_slots=num_slots), batch, wanted) == most


def test_the_log_can_be_flushed_before_a_failed_child_ends():
    library = ctypes.CDLL(xllamacpp.xllamacpp.__file__)
    assert library._Z15common_log_mainv
    assert library._Z16common_log_flushP10common_log
