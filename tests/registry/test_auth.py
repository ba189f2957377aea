from __future__ import annotations

import base64
import stat
from urllib.parse import parse_qsl, urlsplit

import pytest

from corral.errors import StorageError
from corral.registry.auth import Challenge, KeyPair, signed, token_address

CHALLENGE = Challenge("https://r.test/token?z=1", "registry", "repository:a/b:pull repository:a/b:push")


def test_the_query_of_a_token_request_is_sorted_by_key():
    url = CHALLENGE.token_url(now_s=1700000000.9, nonce="abc")
    assert url == (
        "https://r.test/token?nonce=abc&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Aa%2Fb%3Apush"
        "&service=registry&ts=1700000000&z=1"
    )


def test_a_challenge_is_read_from_its_header():
    header = 'Bearer realm="https://r.test/t",service="s",scope="x y"'
    assert Challenge.parse(header) == Challenge("https://r.test/t", "s", "x y")


def test_a_challenge_for_a_password_has_no_address():
    assert Challenge.parse('Basic realm="registry", charset="utf-8"') == Challenge("")


def test_of_two_ways_the_token_is_taken():
    header = 'Basic realm="x", Bearer realm="https://r.test/t",service="s"'
    assert Challenge.parse(header) == Challenge("https://r.test/t", "s")


@pytest.mark.parametrize("header", ["", "Digest realm=x", 'Bearer service="s"'])
def test_a_challenge_that_nobody_understands_is_none(header):
    assert Challenge.parse(header) is None


def test_a_token_request_is_signed_with_the_key(tmp_path):
    key = KeyPair.load_or_create(tmp_path)
    url = token_address(CHALLENGE)
    public, _, signature = signed(url, key).partition(":")
    empty = base64.b64encode(b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").decode()
    key.private.public_key().verify(base64.b64decode(signature), f"GET,{url},{empty}".encode())
    assert key.public_line == f"ssh-ed25519 {public}"


def test_the_address_of_a_token_request_holds_time_and_nonce():
    first, second = token_address(CHALLENGE), token_address(CHALLENGE)
    assert {"nonce", "ts", "service"} <= dict(parse_qsl(urlsplit(first).query)).keys()
    assert first != second


def test_a_new_key_is_private_and_is_found_again(tmp_path):
    made = KeyPair.load_or_create(tmp_path / "id")
    assert stat.S_IMODE((tmp_path / "id" / "id_ed25519").stat().st_mode) == 0o600
    assert KeyPair.load_or_create(tmp_path / "id").public_line == made.public_line
    assert (tmp_path / "id" / "id_ed25519.pub").read_text() == made.public_line + "\n"


def test_without_a_key_file_there_is_no_key(tmp_path):
    assert KeyPair.load(tmp_path) is None


def test_a_damaged_key_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "id_ed25519").write_text("nonsense")
    with pytest.raises(StorageError, match="id_ed25519"):
        KeyPair.load(tmp_path)
