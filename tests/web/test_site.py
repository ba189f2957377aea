"""The files of the UI: what is served, with which headers; the libraries in it; the texts."""

import hashlib
import json
import re

import pytest
from starlette.requests import Request

from corral import web
from corral.web.site import STATIC, version
from corral.wire import file_response

VENDOR = STATIC / "vendor"
RECORD = json.loads((VENDOR / "vendor.json").read_text())
SOURCES = sorted(path for path in STATIC.rglob("*.js") if VENDOR not in path.parents)
# What a page of our own may name, though it never asks for it.
NAMESPACES = ("http://www.w3.org/",)


def names(path=STATIC):
    return {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}


def test_the_libraries_are_what_their_record_says():
    recorded = {name: digest for package in RECORD for name, digest in package["files"].items()}
    found = {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in names(VENDOR)}
    assert found == recorded | {"vendor.json": found["vendor.json"]}


def test_every_library_has_a_version_and_a_licence_text():
    for package in RECORD:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["licence"]
        assert any(name.startswith("licences/") for name in package["files"])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("app.css", "text/css; charset=utf-8"),
        ("locales/en.json", "application/json; charset=utf-8"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("icons/icon.svg", "image/svg+xml"),
        ("vendor/katex/fonts/KaTeX_Main-Regular.woff2", "font/woff2"),
    ],
)
def test_a_file_has_its_type(path, kind):
    file = web.static_file(path)
    assert (file.headers["content-type"], file.data) == (kind, (STATIC / path).read_bytes())


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nothing.js",
        "../__init__.py",
        "vendor/../../site.py",
        "/etc/passwd",
        "lib",
        "app.js/",
        "0123/app.js",
    ],
)
def test_nothing_else_leads_to_a_file(path):
    assert web.static_file(path) is None
    assert web.static_file(f"{version()}/{path}") is None


def test_a_file_may_be_kept_under_an_address_with_its_version_only():
    assert "immutable" in web.static_file(f"{version()}/app.js").headers["cache-control"]
    assert web.static_file("app.js").headers["cache-control"] == "no-cache"
    assert web.home_page().headers["cache-control"] == "no-cache"


def test_the_page_runs_scripts_of_this_server_only():
    policy = web.home_page().headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(
        policy
    )
    assert "unsafe" not in web.home_page().headers["content-security-policy"]
    assert re.findall(rb"<script(?![^>]* src=)|<style|\son\w+=", web.home_page().data) == []


def test_the_page_names_files_that_exist():
    addresses = re.findall(rb'(?:href|src)="(/ui/[^"]+)"', web.home_page().data)
    assert addresses
    assert [a for a in addresses if web.static_file(a.decode().removeprefix("/ui/")) is None] == []


def test_the_service_worker_keeps_what_exists_and_serves_the_whole_origin():
    worker = web.static_file("sw.js")
    assert worker.headers["service-worker-allowed"] == "/"
    assert version().encode() in worker.data
    kept = set(json.loads(re.search(rb"FILES = (\[.*?\]);", worker.data)[1]))
    assert {"app.js", "app.css", "locales/zh.json"} <= kept <= names()


def asked(**headers):
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/ui/app.js", "headers": raw})


def test_what_a_browser_has_already_is_not_sent_again():
    file = web.static_file("app.js")
    assert file_response(asked(if_none_match=f'"other", W/{file.etag}'), file).status_code == 304
    assert file_response(asked(if_none_match='"other"'), file).body == file.data


def test_files_are_compressed_for_those_who_can_read_it():
    file = web.static_file("app.js")
    assert file_response(asked(accept_encoding="gzip, br"), file).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in file_response(asked(), file).headers


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_the_sources_name_no_other_host(path):
    found = re.findall(r"https?://[^\s'\"`)]+", path.read_text())
    assert [address for address in found if not address.startswith(NAMESPACES)] == []


def stems(code):
    """What the sources may ask for: a text that tells one from many stands under two keys."""
    texts = json.loads((STATIC / "locales" / f"{code}.json").read_text())
    return {key.removesuffix(".one").removesuffix(".other") for key in texts}


def test_the_languages_have_the_same_texts():
    codes = [path.stem for path in (STATIC / "locales").glob("*.json")]
    assert {code: sorted(stems(code) ^ stems("en")) for code in codes} == {code: [] for code in codes}


def test_every_text_that_the_sources_name_exists():
    used = {key for path in SOURCES for key in re.findall(r"""\bt\('([\w.]+)'""", path.read_text())}
    assert sorted(used - stems("en")) == []
