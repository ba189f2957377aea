import pytest

from tests.helpers.server import serving
from tests.parity.recorded import Recorded


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """One server with an empty store for all groups; the reference ran with the same settings."""
    with serving(tmp_path_factory.mktemp("parity"), env={"OLLAMA_NO_CLOUD": "1"}) as server:
        yield Recorded(server)
