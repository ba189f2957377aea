import ssl
import stat
from datetime import timedelta

import pytest
from cryptography import x509

from corral.errors import InvalidInput, StorageError
from corral.server import tls
from corral.server.tls import certificate
from corral.settings import Address, Settings


def settings(folder, **values):
    return Settings(home=folder, models=folder, identity=folder, **values)


def self_signed(folder, **values):
    return certificate(settings(folder, tls="self-signed", **values))


def names_of(files):
    found = x509.load_pem_x509_certificate(files.chain.read_bytes())
    told = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in told}


def test_without_settings_there_is_no_tls(tmp_path):
    assert certificate(settings(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_made_certificate_names_this_machine_and_its_address(tmp_path):
    made = self_signed(tmp_path, address=Address("https", "corral.example"))
    assert {"localhost", "127.0.0.1", "corral.example"} <= names_of(made)


def test_a_made_certificate_is_one_that_clients_can_trust(tmp_path):
    made = self_signed(tmp_path)
    context = ssl.create_default_context(cafile=made.chain)
    assert len(context.get_ca_certs()) == 1


def test_its_key_is_the_owners_alone(tmp_path):
    made = self_signed(tmp_path)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert sorted(path.name for path in made.chain.parent.iterdir()) == ["cert.pem", "key.pem"]


def test_it_is_kept_over_a_restart(tmp_path):
    first = self_signed(tmp_path).chain.read_bytes()
    assert self_signed(tmp_path).chain.read_bytes() == first


def test_it_is_made_anew_for_another_name_and_before_its_end(tmp_path, monkeypatch):
    first = self_signed(tmp_path).chain.read_bytes()
    second = self_signed(tmp_path, address=Address("https", "other.example")).chain.read_bytes()
    assert second != first
    monkeypatch.setattr(tls, "_RENEW", timedelta(days=1000))
    assert self_signed(tmp_path, address=Address("https", "other.example")).chain.read_bytes() != second


def test_files_of_others_are_used_as_they_are(tmp_path):
    made = self_signed(tmp_path)
    given = settings(tmp_path, tls_cert=made.chain, tls_key=made.key)
    assert certificate(given) == made


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tls": "yes"}, 'must be "self-signed"'),
        ({"tls_cert": "cert.pem"}, "belong together"),
        ({"tls_cert": "cert.pem", "tls_key": "key.pem", "tls": "self-signed"}, "set either"),
        ({"tls_cert": "cert.pem", "tls_key": "nothing.pem"}, "no such file"),
        ({"tls_cert": "cert.pem", "tls_key": "cert.pem"}, "cannot use"),
        ({"tls_cert": "text.pem", "tls_key": "key.pem"}, "cannot use"),
    ],
)
def test_settings_that_cannot_hold_are_refused(tmp_path, values, message):
    made = self_signed(tmp_path)
    made.chain.with_name("text.pem").write_text("no certificate")
    paths = {name: made.chain.with_name(value) for name, value in values.items() if name != "tls"}
    with pytest.raises(InvalidInput, match=message):
        certificate(settings(tmp_path, **{**values, **paths}))


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "tls").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="cannot write"):
        self_signed(tmp_path)
