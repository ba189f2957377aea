import socket

import pytest

from corral.errors import InvalidInput
from corral.server.hosts import (
    ALLOWED_HEADERS,
    Cors,
    Origins,
    allowed_host,
    check_origin,
    host_name,
    is_loopback,
    preflight_headers,
)

DEFAULT = Origins.configured(())


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "LOCALHOST:11434",
        "127.0.0.1:80",
        "[::1]:80",
        "192.168.1.2",
        "a.local",
        "x.internal",
        "b.localhost",
    ],
)
def test_a_host_of_this_machine_is_answered(host):
    assert allowed_host(host)


def test_the_name_of_this_machine_is_answered():
    assert allowed_host(socket.gethostname())


@pytest.mark.parametrize(
    "host",
    ["example.com", "example.com:11434", "localhost.example.com", "8.8.8.8", "[2001:db9::1]", "169.254.1.2"],
)
def test_another_host_is_not_answered(host):
    """A page that makes its own name point here must not reach us."""
    assert not allowed_host(host)


@pytest.mark.parametrize(
    ("host", "name"), [("a:1", "a"), ("[::1]:2", "::1"), ("::1", "::1"), ("a", "a"), ("", "")]
)
def test_a_port_is_no_part_of_a_host(host, name):
    assert host_name(host) == name


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "https://localhost:3000",
        "http://127.0.0.1:8080",
        "app://x",
        "vscode-webview://abc",
        "file://",
    ],
)
def test_local_pages_and_apps_may_read_answers(origin):
    cors = check_origin(DEFAULT, origin, "localhost:11434")
    assert cors == Cors(headers={"access-control-allow-origin": origin, "vary": "Origin"})


@pytest.mark.parametrize(
    "origin", ["http://example.com", "http://localhost.example.com", "null", "https://127.0.0.1.nip.io"]
)
def test_other_pages_are_refused(origin):
    assert check_origin(DEFAULT, origin, "localhost:11434").refused


def test_a_page_of_the_server_itself_needs_no_permission():
    assert check_origin(DEFAULT, "http://example.com", "example.com") == Cors()


def test_a_star_allows_every_page():
    origins = Origins.configured(("*",))
    assert check_origin(origins, "http://example.com", "x").headers == {"access-control-allow-origin": "*"}
    assert "vary" not in dict(preflight_headers(origins, "http://example.com", ""))


def test_a_page_may_send_what_anthropics_library_sends_when_it_asks():
    usual = dict(preflight_headers(DEFAULT, "http://localhost", "content-type"))
    asked = "Content-Type, X-Api-Key,anthropic-version,x-evil"
    more = dict(preflight_headers(DEFAULT, "http://localhost", asked))
    assert usual["access-control-allow-headers"] == ALLOWED_HEADERS
    assert more["access-control-allow-headers"] == f"{ALLOWED_HEADERS},anthropic-version,x-api-key"


def test_a_configured_pattern_matches_around_its_star():
    origins = Origins.configured(("https://*.example.com",))
    assert origins.allow("https://a.example.com")
    assert not origins.allow("https://example.org")


@pytest.mark.parametrize("entry", ["a*b*c", "example.com"])
def test_an_origin_that_can_match_nothing_is_refused_at_start(entry):
    with pytest.raises(InvalidInput):
        Origins.configured((entry,))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("", False),
        ("10.0.0.1", False),
    ],
)
def test_only_loopback_is_out_of_reach_of_others(host, loopback):
    assert is_loopback(host) is loopback
