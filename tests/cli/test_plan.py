from __future__ import annotations

import json

import pytest

from tests.helpers.scripted_server import Reply

PLAN = {
    "model": "m",
    "loaded": False,
    "fits": True,
    "unloads_others": True,
    "trained_num_ctx": 8192,
    "max_num_ctx": 4096,
    "blocks": 16,
    "blocks_on_devices": 5,
    "reasons": ["a context window of 2048 tokens: as asked for"],
    "places": [
        {"name": "system", "total": 16_000_000_000, "free": 8_000_000_000, "takes": 1_000_000_000},
        {"name": "Card", "total": 2_000_000_000, "free": 1_500_000_000, "takes": 500_000_000},
    ],
    "num_ctx": 2048,
    "slots": 2,
    "threads": 4,
    "batch": 512,
    "memory": {
        "weights": 1_200_000_000,
        "extras": 0,
        "context": 250_000_000,
        "compute": 50_000_000,
        "repack": 0,
        "cache": 0,
        "total": 1_500_000_000,
    },
}


def test_a_plan_says_what_where_and_why(server, corral):
    server.on("POST", "/api/plan", Reply(PLAN))
    outcome = corral("plan", "m", "--num-ctx", "2048")
    assert server.asked[-1].body == {"model": "m", "options": {"num_ctx": 2048}}
    assert outcome.status == 0
    assert [line.split("  ") for line in map(str.strip, outcome.out.splitlines()) if "takes" in line] == [
        ["system", "", "takes 1 GB", "", "", "8 GB free of 16 GB"],
        ["Card", "", "", "takes 500 MB", "", "1.5 GB free of 2 GB"],
    ]
    for text in (
        "yes, when other models are unloaded",
        "5 of 17",
        "4096 tokens for one request, trained for 8192",
    ):
        assert text in outcome.out
    assert "adapters" not in outcome.out


def test_a_model_that_does_not_fit_says_why_and_fails(server, corral):
    no = {"fits": False, "error": "m requires more memory", "hint": "a num_ctx of at most 512 would fit"}
    kept = {
        name: value for name, value in PLAN.items() if name not in ("memory", "num_ctx", "slots", "threads")
    }
    server.on("POST", "/api/plan", Reply({**kept, "unloads_others": False, "reasons": [], **no}))
    outcome = corral("plan", "m")
    assert outcome.status == 1
    assert "m requires more memory" in outcome.out
    assert "a num_ctx of at most 512 would fit" in outcome.out


@pytest.mark.parametrize("fits", [True, False])
def test_a_plan_can_be_read_by_programs(server, corral, fits):
    plan = PLAN | {"fits": fits}
    server.on("POST", "/api/plan", Reply(plan))
    outcome = corral("plan", "m", "--json")
    assert (json.loads(outcome.out), outcome.status) == (plan, 0 if fits else 1)
