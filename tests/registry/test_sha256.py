from __future__ import annotations

import hashlib

import pytest

from corral.registry import sha256 as module
from corral.registry.sha256 import sha256

DATA = bytes(range(256)) * 11


@pytest.fixture(params=["the library of Python", "hashlib alone"])
def either(request, monkeypatch):
    if request.param == "hashlib alone":
        monkeypatch.setattr(module, "_openssl", lambda: None)


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 1000, len(DATA)])
def test_it_is_the_digest_that_everybody_knows(length):
    found = sha256()
    assert found is not None
    if length:
        found.update(bytearray(DATA), length)
    assert found.hexdigest() == hashlib.sha256(DATA[:length]).hexdigest()


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 100, 2048, len(DATA) - 1])
def test_a_digest_goes_on_from_its_state(cut):
    first = sha256()
    assert first is not None
    if cut:
        first.update(bytearray(DATA), cut)
    state = first.state()
    assert state is not None, "this Python is not linked to OpenSSL"
    second = sha256(state)
    assert second is not None
    second.update(bytearray(DATA[cut:]), len(DATA) - cut)
    assert second.hexdigest() == hashlib.sha256(DATA).hexdigest()


def test_asking_for_the_digest_does_not_end_it():
    found = sha256()
    assert found is not None
    found.update(bytearray(b"ab"), 1)
    assert found.hexdigest() == hashlib.sha256(b"a").hexdigest()
    found.update(bytearray(b"b"), 1)
    assert found.hexdigest() == hashlib.sha256(b"ab").hexdigest()


def test_without_the_library_there_is_no_state_to_go_on_from(monkeypatch):
    monkeypatch.setattr(module, "_openssl", lambda: None)
    found = sha256()
    assert found is not None
    assert found.state() is None
    assert sha256(bytes(module.STATE_SIZE)) is None
