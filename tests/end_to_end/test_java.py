"""Two Java programs on java.net.http.HttpClient, compiled and run with the JDK."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.questions import ANSWER, chat

SOURCES = Path(__file__).parent / "java"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("javac"), reason="no JDK (javac): the Java programs are NOT tested"),
]


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    sources = sorted(str(path) for path in SOURCES.glob("*.java"))
    subprocess.run(["javac", "-d", str(folder), *sources], check=True, timeout=100)
    return folder


def java(classes, name, *arguments):
    command = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", str(classes), name, *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8").splitlines()


def test_a_whole_answer_is_printed(server, classes):
    status, body = java(classes, "WholeChat", server.base_url, json.dumps(chat(stream=False)))
    assert status == "200"
    assert json.loads(body)["message"]["content"] == ANSWER


def test_a_stream_is_read_line_by_line_until_done(server, classes):
    records = [
        json.loads(line) for line in java(classes, "StreamedChat", server.base_url, json.dumps(chat()))
    ]
    assert "".join(record["message"]["content"] for record in records) == ANSWER
    assert [record["done"] for record in records].index(True) == len(records) - 1
