import pytest

from tests.helpers.rerank_model import serve_reranker
from tests.helpers.server import serving


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all clients, with the models `peer` (chat, tools, thinking) and `embed`.

    Not every library can say how random an answer may be, so the model does.
    """
    with serving(tmp_path_factory.mktemp("server")) as running:
        running.create("peer", "peer-suite.gguf", parameters={"temperature": 0})
        running.create("embed", "embed-fixture.gguf")
        yield running


@pytest.fixture(scope="session")
def reranker(server, tmp_path_factory):
    """The name of a model that ranks documents."""
    return serve_reranker(server, tmp_path_factory.mktemp("rerank"))
