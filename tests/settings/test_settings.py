import math
from pathlib import Path

import pytest

from corral.settings import FOREVER, Address, parse_address, parse_duration, read_settings


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", Address("http", "127.0.0.1", 11434)),
        ("0.0.0.0", Address("http", "0.0.0.0", 11434)),
        (":8080", Address("http", "", 8080)),
        ("example.com:1234", Address("http", "example.com", 1234)),
        ("http://example.com", Address("http", "example.com", 80)),
        ("https://example.com", Address("https", "example.com", 443)),
        ("https://example.com:8443/base/", Address("https", "example.com", 8443, "/base")),
        ("[::1]:9999", Address("http", "::1", 9999)),
        ("::1", Address("http", "::1", 11434)),
        ("host:99999", Address("http", "host", 11434)),
        ("host:abc", Address("http", "host", 11434)),
    ],
)
def test_an_address_is_read_with_what_it_leaves_out(text, address):
    assert parse_address(text) == address


def test_an_address_of_ipv6_is_written_in_brackets():
    assert Address(host="::1", port=1).url == "http://[::1]:1"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("-1m", -60),
        ("100ms", 0.1),
        ("+2s", 2),
        ("1.h.5s", 3600.5),
    ],
)
def test_a_duration_is_read_in_seconds(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", 'time: missing unit in duration "5"'),
        ("5m3", 'time: missing unit in duration "5m3"'),
        ("", 'time: invalid duration ""'),
        ("abc", 'time: invalid duration "abc"'),
        ("-", 'time: invalid duration "-"'),
        ("--5m", 'time: invalid duration "--5m"'),
        (".s", 'time: invalid duration ".s"'),
        ("5 m", 'time: unknown unit " m" in duration "5 m"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("5m3d", 'time: unknown unit "d" in duration "5m3d"'),
        ("9999999h", 'time: invalid duration "9999999h"'),
    ],
)
def test_what_is_no_duration_is_told_in_the_known_words(text, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is compared below
        parse_duration(text)
    assert str(caught.value) == message


@pytest.mark.timeout(5)
def test_a_very_long_number_is_refused_at_once():
    with pytest.raises(ValueError, match="unknown unit"):
        parse_duration("1" * 100_000 + "x")


def test_our_own_variable_goes_before_the_known_one():
    env = {"HOME": "/h", "OLLAMA_MODELS": "/theirs", "CORRAL_MODELS": "/ours"}
    assert read_settings(env).models == Path("/ours")
    assert read_settings({"HOME": "/h", "OLLAMA_MODELS": "/theirs"}).models == Path("/theirs")


def test_without_variables_the_known_store_is_used():
    settings = read_settings({"HOME": "/h"})
    assert settings.models == Path("/h/.ollama/models")
    assert settings.home == Path("/h/.corral")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("30", 30), ("0", 0), ("-1", FOREVER), ("-1m", FOREVER), ("soon", 300), (' "1h" ', 3600)],
)
def test_keep_alive_is_seconds_or_for_ever(text, seconds):
    assert read_settings({"HOME": "/h", "OLLAMA_KEEP_ALIVE": text}).keep_alive_s == seconds


def test_a_load_may_take_for_ever_too():
    assert math.isinf(read_settings({"HOME": "/h", "OLLAMA_LOAD_TIMEOUT": "0"}).load_timeout_s)


@pytest.mark.parametrize(
    ("text", "flag"), [("1", True), ("true", True), ("0", False), ("false", False), ("yes", True), ("", None)]
)
def test_a_flag_that_cannot_be_read_is_on(text, flag):
    assert read_settings({"HOME": "/h", "OLLAMA_FLASH_ATTENTION": text}).flash_attention is flag


def test_a_number_that_cannot_be_read_is_the_default():
    assert read_settings({"HOME": "/h", "OLLAMA_MAX_QUEUE": "many"}).max_queue == 512


def test_lists_are_cut_at_commas():
    settings = read_settings({"HOME": "/h", "OLLAMA_ORIGINS": "http://a, http://b,,"})
    assert settings.origins == ("http://a", "http://b")


@pytest.mark.parametrize(("text", "level"), [("", 0), ("0", 0), ("1", 1), ("2", 2), ("true", 1)])
def test_debug_has_levels(text, level):
    assert read_settings({"HOME": "/h", "OLLAMA_DEBUG": text}).debug == level
