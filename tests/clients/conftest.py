import pytest

from tests.helpers.server import serving


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all clients, with the models `peer` (chat, tools, thinking), `embed` and `pocket`."""
    with serving(tmp_path_factory.mktemp("server")) as running:
        running.create("peer", "peer-suite.gguf")
        running.create("embed", "embed-fixture.gguf")
        yield running
