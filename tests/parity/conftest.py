import pytest

from tests.helpers.server import serving
from tests.parity.recorded import Recorded


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """One server with an empty store for all groups; the reference ran with the same settings.

    Guesses add two counts to the last record, which the reference does not have.
    """
    env = {"OLLAMA_NO_CLOUD": "1", "CORRAL_SPECULATION": "0"}
    with serving(tmp_path_factory.mktemp("parity"), env=env) as server:
        yield Recorded(server)
