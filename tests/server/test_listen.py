import logging

import pytest

from corral.errors import CorralError
from corral.server import listen
from corral.server.logs import configure
from corral.settings import Address


def test_a_port_in_use_is_said_with_what_to_do():
    with listen(Address(host="127.0.0.1", port=0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(CorralError) as caught:
            listen(Address(host="127.0.0.1", port=port))
    assert caught.value.message == f"listen tcp 127.0.0.1:{port}: bind: address already in use"
    assert "OLLAMA_HOST" in caught.value.hint


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(CorralError, match=r"^listen tcp 192\.0\.2\.1:0: bind: "):
        listen(Address(host="192.0.2.1", port=0))


@pytest.fixture
def root_logger():
    root = logging.getLogger()
    handlers, level, ours = root.handlers, root.level, logging.getLogger("corral").level
    yield root
    root.handlers = handlers
    root.setLevel(level)
    logging.getLogger("corral").setLevel(ours)


@pytest.mark.parametrize(
    ("debug", "shown"), [(0, ["info"]), (1, ["info", "debug"]), (2, ["info", "debug", "trace"])]
)
def test_the_log_shows_as_much_as_it_is_told_to(root_logger, capsys, debug, shown):
    configure(debug)
    log = logging.getLogger("corral.test")
    log.info("info")
    log.debug("debug")
    log.log(5, "trace")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition('msg="')[2].rstrip('"') for line in lines] == shown


def test_a_line_of_the_log_stays_one_line(root_logger, capsys):
    configure(0)
    logging.getLogger("corral.test").info("two\nlines")
    assert capsys.readouterr().err.count("\n") == 1
