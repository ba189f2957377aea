from __future__ import annotations

import json
import stat

import pytest

from corral.registry import Login
from tests.helpers.fake_registry import FakeRegistry, served

LOGIN = Login("me", "secret")


@pytest.fixture
def registry():
    return FakeRegistry(basic=LOGIN.basic)


@pytest.fixture
def host(registry):
    with served(registry) as found:
        yield found


def login(corral, host, *words, secret="secret"):
    return corral("login", host, "--insecure", "--password-stdin", *words, stdin=f"{secret}\n")


def kept(folder):
    path = folder / ".corral" / "credentials.json"
    return json.loads(path.read_text()) if path.exists() else {}


def test_a_login_that_the_host_accepts_is_kept_for_its_owner_alone(corral, host, tmp_path):
    outcome = login(corral, f"http://{host}/", "-u", "me")
    assert (outcome.status, outcome.out, outcome.err) == (0, f"signed in to {host}\n", "")
    assert kept(tmp_path) == {host: {"username": "me", "password": "secret", "token": ""}}
    assert stat.S_IMODE((tmp_path / ".corral" / "credentials.json").stat().st_mode) == 0o600


def test_a_login_that_the_host_refuses_is_not_kept(corral, host, tmp_path):
    outcome = login(corral, host, "-u", "me", secret="wrong")
    assert (outcome.status, outcome.err) == (1, f"Error: {host} does not accept this login\n")
    assert kept(tmp_path) == {}


def test_a_token_is_a_login_without_a_name(corral, host, registry, tmp_path):
    registry.basic, registry.token, registry.realm = "", "T0", f"http://{host}/token"
    assert login(corral, host, "--token", secret="T0").status == 0
    assert kept(tmp_path)[host] == {"username": "", "password": "", "token": "T0"}


def test_signing_out_forgets_the_login(corral, host, tmp_path):
    login(corral, host, "-u", "me")
    assert corral("logout", host).out == f"signed out of {host}\n"
    assert kept(tmp_path) == {}
    assert corral("logout", host).err == f"Error: not signed in to {host}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["login", "a b"], '"a b" is no host'),
        (["login", "h"], "no terminal to ask on: give the password with --password-stdin"),
        (["login", "h", "--password-stdin"], "--password-stdin needs --username, or --token"),
        (["login", "h", "--password-stdin", "-u", "me"], "nothing was given, nothing is changed"),
    ],
)
def test_a_login_that_cannot_be_says_why(corral, words, message):
    assert corral(*words).err == f"Error: {message}\n"
