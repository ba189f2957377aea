"""The checks of an engine, on engines that pass and on some that must not."""

from __future__ import annotations

import sys

import pytest

from corral import pocket
from corral.engine import describe
from corral.native import check, passed, probe
from tests.helpers.native_program import SCRIPT, stand_in, write_program

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def outcomes(program, weights):
    return [outcome async for outcome in check(program, weights)]


def faults(found):
    return {outcome.name: outcome.fault for outcome in found if outcome.fault}


async def test_the_packaged_engine_passes(weights):
    found = await outcomes(None, weights)
    assert faults(found) == {}
    assert passed(found)
    assert len(found) >= 10


async def test_a_native_server_that_does_the_same_passes(weights, tmp_path):
    found = await outcomes(stand_in(tmp_path), weights)
    assert faults(found) == {}
    assert found[0].name == "knows every flag"


async def test_one_that_computes_something_else_fails(weights, tmp_path):
    found = faults(await outcomes(stand_in(tmp_path, "--model", str(pocket.weights())), weights))
    assert "writes the same answers" in found
    assert "makes the same embeddings" in found


async def test_one_that_lacks_a_flag_is_not_even_started(weights, tmp_path):
    told = (
        f'if [ "$1" = --help ]; then echo "--model --host"; else exec "{sys.executable}" "{SCRIPT}" "$@"; fi'
    )
    (found,) = await outcomes(write_program(tmp_path / "old", told), weights)
    assert "--ctx-size" in found.fault
    assert "--no-kv-unified" in found.fault


async def test_one_that_ends_at_once_fails_with_its_words(weights, tmp_path):
    told = f'[ "$1" = --help ] && exec "{sys.executable}" "{SCRIPT}" "$@"; echo "E illegal thing" >&2; exit 1'
    found = faults(await outcomes(write_program(tmp_path / "broken", told), weights))
    assert found["loads a model"] == "illegal thing"


async def test_an_engine_is_described_by_what_it_says(weights, tmp_path):
    script = (
        'case "$1" in --version) echo "version: 9 (pinned)" >&2;; --list-devices) echo "Available devices:";'
        ' echo "  CUDA0: Card 9 (80 MiB, 70 MiB free)";;'
        f' *) exec "{sys.executable}" "{SCRIPT}" "$@";; esac'
    )
    found = await probe(write_program(tmp_path / "server", script), weights)
    assert (found.version, found.features) == ("llama-server version: 9 (pinned)", describe().features)
    assert found.devices == ("CUDA0 (Card 9)",)
