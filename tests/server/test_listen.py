import pytest

from corral.errors import CorralError
from corral.server import listen
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
