import pytest

from corral.core.adapters import adapter_scales
from corral.core.options import resolve_options
from corral.errors import InvalidInput, InvalidOption

NAMES = ("style", "", "2")


@pytest.mark.parametrize(
    ("wanted", "scales"),
    [
        (None, (1.0, 1.0, 1.0)),
        ([], (0.0, 0.0, 0.0)),
        (["style"], (1.0, 0.0, 0.0)),
        (["style=0.5", "1=-2"], (-2.0, 0.0, 0.0)),
        (["2=3"], (0.0, 0.0, 3.0)),
        (["3", "style=0.25"], (0.25, 0.0, 1.0)),
    ],
)
def test_adapters_are_chosen_by_name_or_place(wanted, scales):
    assert adapter_scales(wanted, NAMES) == scales


@pytest.mark.parametrize(
    ("wanted", "names", "message"),
    [
        (["other"], NAMES, 'the model has no adapter "other": it has style, 2, 2'),
        (["0"], (), 'the model has no adapter "0": it has none'),
        (["style=much"], NAMES, 'the scale of adapter "style" must be a number: "much"'),
        (["style=nan"], NAMES, 'the scale of adapter "style" must be a number: "nan"'),
    ],
)
def test_what_names_no_adapter_is_refused(wanted, names, message):
    with pytest.raises(InvalidInput) as caught:
        adapter_scales(wanted, names)
    assert caught.value.message == message


def test_options_take_scales_by_name_or_a_list():
    assert resolve_options({"adapters": ["a"]}).adapters == ("a",)
    assert resolve_options({"adapters": ["a"]}, {"adapters": {"b": 0.5}}).adapters == ("b=0.5",)
    assert resolve_options({}).adapters is None
    with pytest.raises(InvalidOption, match='option "adapters" must be of type array'):
        resolve_options({"adapters": "a"})
