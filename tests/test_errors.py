import inspect
from pathlib import Path

import pytest

from corral import errors
from corral.wire import status_of

CLASSES = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, errors.CorralError) and value.__module__ == errors.__name__
]
ARGUMENTS = {
    "ConfigError": (Path("config.toml"), "what happened"),
    "BodyTooLarge": (10,),
    "BodyTooSlow": (),
    "PackedBodyBroken": (),
    "CloudDisabled": (),
    "Cancelled": (),
    "ServerBusy": (),
    "DigestMismatch": ("a", "b"),
}


def make(kind):
    arguments = ARGUMENTS.get(kind.__name__, ("what happened",))
    return kind(*arguments, status=418) if kind is errors.EngineError else kind(*arguments)


@pytest.mark.parametrize("kind", CLASSES)
def test_the_tree_in_the_docstring_names_every_class(kind):
    assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_one_line_and_has_a_status(kind):
    error = make(kind)
    assert error.message == str(error)
    assert error.message.count("\n") == 0
    assert 400 <= status_of(error) <= 599


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidName("x"), 400),
        (errors.InvalidOption("x"), 500),
        (errors.ModelNotFound("x"), 404),
        (errors.BodyTooLarge(1), 413),
        (errors.CloudDisabled(), 403),
        (errors.NotAnEmbedder("x"), 501),
        (errors.ServerBusy(), 503),
        (errors.EngineError("x", status=429), 429),
        (errors.RunnerCrashed("x"), 500),
        (ValueError("x"), 500),
    ],
)
def test_a_status_is_found_along_the_ancestors(error, status):
    assert status_of(error) == status
