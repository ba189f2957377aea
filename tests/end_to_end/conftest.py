import pytest

from tests.helpers.server import ServerProcess, end, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for the tests that only talk to it, with the models `peer` and `embed`."""
    with serving(tmp_path_factory.mktemp("server")) as running:
        running.create("peer", "peer-suite.gguf")
        running.create("embed", "embed-fixture.gguf")
        yield running


@pytest.fixture
def start(tmp_path):
    """Starts servers that the test may break; what still runs at its end is killed."""
    running = []

    def start(**options):
        folder = tmp_path / f"server{len(running)}"
        folder.mkdir()
        server = ServerProcess(folder, **options)
        running.append(server)
        return server.start()

    yield start
    for server in running:
        end(server)
