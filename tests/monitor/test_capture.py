import hashlib
import json
import stat

import pytest

from corral.errors import InvalidInput
from corral.monitor import Capture, Exchange, read_mode

SECRET = "corral-abcdefghijklmnopqrst"
IMAGE = "iVBORw0KGgo" * 200
DIGEST = hashlib.sha256(IMAGE.encode()).hexdigest()[:12]
BODY = {
    "model": "pocket",
    "messages": [{"role": "user", "content": f"my secret is {SECRET}", "images": [IMAGE]}],
    "options": {"temperature": 0.5, "stop": ["end"]},
    "stream": False,
}
HEADERS = (("authorization", f"Bearer {SECRET}"), ("X-API-Key", "other"), ("accept", "*/*"))


@pytest.fixture
def captured(tmp_path):
    """What is written of one exchange."""

    def captured(mode, body=BODY, folder="captures"):
        capture = Capture(tmp_path / folder, mode)
        exchange = Exchange("req_1", "POST", "/api/chat", HEADERS, key="alice", status=200)
        exchange.body = bytearray(body if isinstance(body, bytes) else json.dumps(body).encode())
        capture.write(exchange)
        capture.close()
        return json.loads((tmp_path / folder / "requests.jsonl").read_text())

    return captured


@pytest.mark.parametrize("mode", ["redacted", "full"])
def test_secrets_and_media_are_never_written(captured, mode):
    text = json.dumps(captured(mode))
    assert "abcdefghijklmnopqrst" not in text
    assert "iVBORw0KGgo" not in text
    assert captured(mode, folder="again")["headers"] == {
        "authorization": "[removed]",
        "X-API-Key": "[removed]",
        "accept": "*/*",
    }


@pytest.mark.parametrize("mode", ["redacted", "full"])
def test_a_key_that_is_the_name_of_a_field_is_not_written_either(captured, mode):
    assert captured(mode, {"model": "pocket", SECRET: 1})["body"] == {"model": "pocket", "[removed]": 1}


def test_redacted_texts_leave_their_length_and_the_shape_of_the_request(captured):
    assert captured("redacted")["body"] == {
        "model": "pocket",
        "messages": [
            {
                "role": "user",
                "content": "[40 characters]",
                "images": [f"[{len(IMAGE)} characters of data, sha256 {DIGEST}]"],
            }
        ],
        "options": {"temperature": 0.5, "stop": ["[3 characters]"]},
        "stream": False,
    }


def test_a_full_capture_keeps_what_was_said(captured):
    record = captured("full")
    assert record["body"]["messages"][0]["content"] == "my secret is [removed]"
    assert (record["request_id"], record["key"], record["status"]) == ("req_1", "alice", 200)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_is_only_measured(captured, body):
    assert captured("full", body)["body"] == f"[{len(body)} bytes that are no JSON]"


def test_a_body_that_is_too_long_is_left_out(captured):
    assert captured("full", b"x" * (5 << 20))["body"].startswith("[more than")


def test_the_file_is_the_owners_alone(captured, tmp_path):
    captured("redacted")
    file = tmp_path / "captures" / "requests.jsonl"
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)


@pytest.mark.parametrize(("text", "mode"), [("", None), ("redacted", "redacted"), ("FULL", "full")])
def test_nothing_is_captured_unless_it_is_asked_for(text, mode):
    assert read_mode(text) == mode


def test_a_mode_that_is_unknown_is_refused():
    with pytest.raises(InvalidInput, match='"redacted" or "full"'):
        read_mode("yes")
