from pathlib import Path

import pytest

from corral.core.options import Options
from corral.engine import Lookup
from corral.scheduler.demand import make_demand
from corral.scheduler.guessing import Guesswork, lookup_for
from corral.settings import Settings
from tests.helpers.build_model import build_model

WEIGHTS = Path("/w.gguf")
AUTOMATIC = Lookup(match=16, least=4, most=12)


def demand_of(options=Options(), *, exact=False, apart=False, pays=True, **facts):  # noqa: B008 - a frozen value
    model = build_model(**facts)
    return make_demand(model, options, given=None, shift=None, exact=exact, apart=apart, guessing_pays=pays)


@pytest.mark.parametrize(
    ("demand", "settings", "wanted"),
    [
        (demand_of(), Settings(), AUTOMATIC),
        (demand_of(), Settings(speculation=False), None),
        (demand_of(Options(draft_num_predict=0)), Settings(), None),
        (demand_of(Options(draft_num_predict=2)), Settings(), Lookup(match=16, least=2, most=2)),
        (demand_of(Options(draft_num_predict=30)), Settings(), Lookup(match=16, least=4, most=30)),
        (demand_of(exact=True), Settings(), None),
        (demand_of(apart=True), Settings(), None),
        (demand_of(pays=False), Settings(), None),
        (demand_of(projectors=(Path(__file__),)), Settings(), None),
        (demand_of(family="qwen3next"), Settings(), None),
        (demand_of(capabilities=("embedding",)), Settings(), None),
    ],
)
def test_what_can_guess_does_so_unless_somebody_minds(demand, settings, wanted):
    assert lookup_for(demand, settings) == wanted


@pytest.mark.parametrize(
    ("answers", "pays"),
    [
        ([], True),
        ([(200, 0)], True),  # too few to judge by
        ([(300, 10)], False),
        ([(300, 200)], True),
        ([(4000, 3000), (200, 0)], True),
        ([(4000, 3000), *[(2000, 100)] * 5], False),  # what was long ago counts less
    ],
)
def test_guessing_is_given_up_where_too_many_guesses_are_wrong(answers, pays):
    guesswork = Guesswork()
    for guessed, right in answers:
        guesswork.note(WEIGHTS, guessed, right)
    assert guesswork.pays(WEIGHTS) is pays
    assert guesswork.pays(Path("/others.gguf"))
