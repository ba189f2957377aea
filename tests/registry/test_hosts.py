from __future__ import annotations

import pytest

from corral.errors import InvalidInput, RegistryError
from corral.registry import Hosts, Login
from corral.settings import RegistrySettings

LAB = RegistrySettings(insecure=True, auth={"username": "u", "password": "p"}, trust=("minio.lab",))


def test_an_unknown_host_is_asked_over_https_and_knows_no_login():
    (found,) = Hosts().endpoints("registry.test:5000")
    assert (str(found.base), found.login, found.of_host) == ("https://registry.test:5000", None, "")


def test_the_request_may_ask_for_plain_http():
    (found,) = Hosts().endpoints("registry.test", insecure=True)
    assert str(found.base) == "http://registry.test"


def test_the_configuration_of_a_host_applies_whatever_its_case():
    (found,) = Hosts(settings={"lab:5000": LAB}).endpoints("LAB:5000")
    assert (found.base.scheme, found.login, found.trust) == (
        "http",
        Login("u", "p"),
        frozenset({"minio.lab"}),
    )


def test_a_mirror_goes_before_the_host_and_has_its_own_login():
    settings = {"hf.co": RegistrySettings(mirror="http://lab:5000/hub"), "lab:5000": LAB}
    mirror, own = Hosts(settings=settings, logins={"hf.co": Login(token="T")}).endpoints("hf.co")
    assert (str(mirror.base), mirror.of_host, mirror.login) == (
        "http://lab:5000/hub",
        "hf.co",
        Login("u", "p"),
    )
    assert (str(own.base), own.login) == ("https://huggingface.co", Login(token="T"))


def test_what_was_given_at_login_goes_before_the_configuration():
    (found,) = Hosts(settings={"lab": LAB}, logins={"lab": Login("me", "x")}).endpoints("lab")
    assert found.login == Login("me", "x")


def test_a_mirror_that_is_no_address_is_told():
    with pytest.raises(InvalidInput, match='the mirror "http://a:b" of x is no address'):
        Hosts(settings={"x": RegistrySettings(mirror="http://a:b")}).endpoints("x")


def test_certificates_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    (found,) = Hosts(settings={"x": RegistrySettings(ca=str(tmp_path / "ca.pem"))}).endpoints("x")
    with pytest.raises(RegistryError, match=r"cannot read the certificates in .*ca\.pem"):
        _ = found.tls
