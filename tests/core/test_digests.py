import pytest

from corral.core.digests import Digest
from corral.errors import InvalidInput

HEX = "ab" * 32


@pytest.mark.parametrize("text", [f"sha256:{HEX}", f"sha256-{HEX}", f"sha256:{HEX.upper()}"])
def test_both_spellings_are_one_digest(text):
    digest = Digest.parse(text)
    assert (str(digest), digest.file_name, digest.short) == (f"sha256:{HEX}", f"sha256-{HEX}", HEX[:12])


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEX,
        f"sha256:{HEX}0",
        f"sha256:{HEX[1:]}",
        f"sha512:{HEX}",
        f"sha256:{'zz' * 32}",
        f"sha256:{HEX}\n",
    ],
)
def test_nothing_else_is_a_digest(text):
    with pytest.raises(InvalidInput):
        Digest.parse(text)


def test_the_digest_of_nothing_is_known():
    assert Digest.of(b"").hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
