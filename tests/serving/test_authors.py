from pathlib import Path

import pytest

from corral.serving.authors import Authors

ONE, OTHER = Path("/one.gguf"), Path("/other.gguf")


@pytest.mark.parametrize(
    ("before", "author", "several"),
    [
        ([], 1, False),
        ([(ONE, 1), (ONE, 1)], 1, False),
        ([(ONE, None)], None, False),  # nobody has a key
        ([(ONE, 1)], 2, True),
        ([(ONE, 1)], None, True),
        ([(ONE, 1), (ONE, 2)], 1, True),  # what the second wrote is there from then on
        ([(ONE, 1), (OTHER, 2)], 1, False),
    ],
)
def test_a_model_has_several_authors_from_the_second_on(before, author, several):
    authors = Authors()
    for weights, earlier in before:
        authors.several(weights, earlier)
    assert authors.several(ONE, author) is several
    assert authors.several(None, author) is False
