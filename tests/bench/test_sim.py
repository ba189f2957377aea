from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from bench.sim.figures import Figures, mean
from bench.sim.hardware import GB, load_s
from bench.sim.routes import ROUTES, where_loaded
from bench.sim.rules import RULES, lowest, recency
from bench.sim.run import Setup, simulate
from bench.sim.trace import Traffic, make_models, turns

FEW = Traffic(users=300, hours=0.5, seed=3)
TIGHT = Setup(device_memory=24 * GB)


def test_the_same_seed_makes_the_same_day_and_another_one_another():
    assert turns(FEW) == turns(FEW)
    assert turns(FEW) != turns(replace(FEW, seed=4))


def test_a_conversation_brings_back_what_was_said_and_fits_the_window():
    by_session: dict[int, list] = {}
    for turn in turns(FEW):
        by_session.setdefault(turn.session, []).append(turn)
    for conversation in by_session.values():
        assert conversation[0].prefix == 0
        for before, after in pairwise(conversation):
            assert after.prefix == before.prefix + before.new + before.answer
            assert after.model == before.model
        assert conversation[-1].prefix + conversation[-1].new + conversation[-1].answer <= 8192


def test_popular_models_are_asked_more_often():
    counts = [0] * 20
    for turn in turns(Traffic(seed=2)):
        counts[turn.model] += 1
    assert sum(counts[:5]) > 2 * sum(counts[10:])


@pytest.mark.parametrize("name", RULES)
def test_every_request_is_answered_under_every_rule(name):
    outcome = simulate(FEW, TIGHT, rule=RULES[name])
    assert (len(outcome.served), outcome.failed.total()) == (len(turns(FEW)), 0)
    assert outcome.loads >= outcome.first_loads > 0


@pytest.mark.parametrize("name", ROUTES)
def test_every_request_is_answered_wherever_it_is_sent(name):
    outcome = simulate(FEW, replace(TIGHT, nodes=4, devices=1), route=ROUTES[name]())
    assert (len(outcome.served), outcome.failed.total()) == (len(turns(FEW)), 0)


def test_the_same_simulation_has_the_same_outcome():
    assert Figures.of(simulate(FEW, TIGHT)) == Figures.of(simulate(FEW, TIGHT))


def test_more_memory_means_fewer_loads():
    assert simulate(FEW, Setup(device_memory=80 * GB)).loads < simulate(FEW, TIGHT).loads


def test_a_first_request_waits_as_long_as_its_load_takes():
    one = Traffic(users=1, hours=4.0, sessions=0.5, seed=2)
    served = simulate(one, TIGHT).served[0]
    assert served.wait_s == pytest.approx(load_s(make_models(one)[served.turn.model].size))


def test_the_product_s_rule_waits_less_than_least_recently_used_where_memory_is_short():
    many = Traffic(hours=0.5)
    ours = Figures.of(simulate(many, TIGHT))
    oldest = Figures.of(simulate(many, TIGHT, rule=lowest(recency)))
    assert ours.wait_mean < 0.8 * oldest.wait_mean
    assert ours.unpopular_mean < oldest.unpopular_mean


def test_a_router_that_knows_what_is_loaded_saves_loads():
    setup = replace(TIGHT, nodes=4, devices=1)
    knowing = simulate(FEW, setup, route=where_loaded)
    assert knowing.loads < 0.9 * simulate(FEW, setup, route=ROUTES["at random"]()).loads


def test_figures_of_several_seeds_are_their_mean():
    first, second = (Figures.of(simulate(replace(FEW, seed=seed), TIGHT)) for seed in (1, 2))
    both = mean([first, second])
    assert both.wait_mean == pytest.approx((first.wait_mean + second.wait_mean) / 2)
