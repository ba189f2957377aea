"""What can happen to a running server: one clear error each, no partial state, the server goes on."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

import psutil
import pytest

from tests.helpers import hostile
from tests.helpers.questions import ANSWER, chat, long_chat
from tests.helpers.server import SERVE, assert_gone, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")]


def ask(server, **options):
    return server.post("/api/chat", chat(stream=False), **options)["message"]["content"]


def engine_children(server):
    return [child for child in server.children() if "corral.engine.worker" in " ".join(child.cmdline())]


def test_a_runner_that_is_killed_ends_its_stream_with_an_error_and_is_started_again(start):
    server = start()
    server.create("peer", "peer-suite.gguf")
    with server.stream("/api/chat", long_chat()) as answer:
        answer.readline()
        for child in engine_children(server):
            child.kill()
        lines = answer.read().splitlines()
    assert list(json.loads(lines[-1])) == ["error"]
    assert ask(server) == ANSWER


def test_a_runner_that_is_killed_while_idle_is_started_again(start):
    server = start()
    server.create("peer", "peer-suite.gguf")
    ask(server)
    children = engine_children(server)
    for child in children:
        child.kill()
    assert_gone(children)
    assert ask(server) == ANSWER


def test_a_client_that_leaves_frees_its_slot(start):
    server = start(env={"OLLAMA_NUM_PARALLEL": "1"})
    server.create("peer", "peer-suite.gguf")
    ask(server)
    with server.stream("/api/chat", long_chat()) as answer:
        answer.readline()
    assert ask(server, timeout_s=5) == ANSWER


def test_a_client_that_leaves_while_it_waits_is_forgotten(start):
    server = start(env={"OLLAMA_NUM_PARALLEL": "1"})
    server.create("peer", "peer-suite.gguf")
    with server.stream("/api/chat", long_chat()) as answer:
        answer.readline()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                ask(server, timeout_s=0.2)
    assert ask(server, timeout_s=5) == ANSWER


def test_a_slow_reader_holds_up_nobody_and_takes_little_memory(start):
    server = start(env={"OLLAMA_NUM_PARALLEL": "2"})
    server.create("peer", "peer-suite.gguf")
    ask(server)
    body = json.dumps(long_chat(2000, logprobs=True, top_logprobs=20)).encode()
    head = f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    before = psutil.Process(server.pid).memory_info().rss
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", server.port))
        reader.sendall(head + body)
        assert reader.recv(12) == b"HTTP/1.1 200"
        for _ in range(10):
            assert ask(server, timeout_s=10) == ANSWER
    assert psutil.Process(server.pid).memory_info().rss - before < 50_000_000


def test_a_port_in_use_is_said_in_one_line(start):
    server = start()
    done = subprocess.run(SERVE, env=server.env, capture_output=True, timeout=30)
    assert done.returncode == 1
    text = done.stderr.decode()
    assert f"listen tcp 127.0.0.1:{server.port}: bind: address already in use" in text
    assert "Traceback" not in text
    assert server.request("HEAD", "/")[0] == 200


def test_a_server_that_is_killed_leaves_no_engine_behind(start):
    server = start()
    server.create("peer", "peer-suite.gguf")
    ask(server)
    children = server.children()
    assert children
    server.kill()
    assert_gone(children)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_asked_to_end_does_so_with_status_0(start, number):
    server = start()
    server.create("peer", "peer-suite.gguf")
    ask(server)
    children = server.children()
    server.process.send_signal(number)
    assert server.process.wait(20) == 0
    assert_gone(children)


def test_a_server_that_is_asked_to_end_does_not_wait_for_a_long_answer(start):
    server = start()
    server.create("peer", "peer-suite.gguf")
    with server.stream("/api/chat", long_chat()) as answer:
        answer.readline()
        assert server.stop() == 0


def test_a_blob_that_exceeds_the_file_size_limit_leaves_nothing(start):
    """The limit of the process stands for a disk that is full: a write fails in the middle of a blob."""
    limited = ["sh", "-c", 'ulimit -f 2048; exec "$@"', "sh", *SERVE]
    check_failed_upload(start(command=limited))


def test_a_full_disk_is_an_error_and_leaves_nothing(start):
    server = start(command=in_own_mounts('mount -t tmpfs -o size=2m none "$OLLAMA_MODELS"'))
    check_failed_upload(server, "no space left on device")


def check_failed_upload(server, reason=""):
    data = hostile.good()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    status, answer = upload(server, digest, data)
    assert status == 500
    assert reason in json.loads(answer)["error"].lower()
    assert server.request("HEAD", f"/api/blobs/{digest}")[0] == 404
    small = b"small enough"
    small_digest = f"sha256:{hashlib.sha256(small).hexdigest()}"
    assert upload(server, small_digest, small)[0] == 201
    blobs = [path for path in seen_by(server, server.models / "blobs") if path.startswith("sha256-")]
    assert blobs == [small_digest.replace(":", "-")]


def upload(server, digest, data):
    # The server may answer, and close, before all is sent.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        return server.request("POST", f"/api/blobs/{digest}", data)
    return 500, b'{"error": "no space left on device"}'


def seen_by(server, folder):
    """The names in a folder, as the server sees them: it may have mounts of its own."""
    inside = Path(f"/proc/{server.pid}/root{folder}")
    return sorted(path.name for path in (inside if inside.is_dir() else folder).iterdir())


def in_own_mounts(mount):
    """The command of a server that sees one more mount than others do. Skips where that is not permitted."""
    unshare = ["unshare", "--map-root-user", "--mount"]
    probe = [*unshare, "mount", "-t", "tmpfs", "none", "/mnt"]
    if not shutil.which("unshare") or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("mounts are not permitted here: the fault of a whole file system is NOT tested")
    script = f'mkdir -p "$OLLAMA_MODELS" && {mount} && exec "$@"'
    return [*unshare, "sh", "-c", script, "sh", *SERVE]


def test_a_store_that_is_read_only_is_read_and_nothing_else(start):
    bind = 'mount --bind "$OLLAMA_MODELS" "$OLLAMA_MODELS" && mount -o remount,ro,bind "$OLLAMA_MODELS"'
    server = start(command=in_own_mounts(bind))
    assert server.request("GET", "/api/tags") == (200, b'{"models":[]}')
    status, answer = upload(server, f"sha256:{hashlib.sha256(b'x').hexdigest()}", b"x")
    assert status == 500
    assert "read-only" in json.loads(answer)["error"].lower()
    assert server.request("HEAD", "/")[0] == 200


def test_a_read_only_store_still_answers(start):
    server = start()
    server.create("peer", "peer-suite.gguf")
    assert server.stop() == 0
    bind = 'mount --bind "$OLLAMA_MODELS" "$OLLAMA_MODELS" && mount -o remount,ro,bind "$OLLAMA_MODELS"'
    again = start(command=in_own_mounts(bind), env={"OLLAMA_MODELS": str(server.models)})
    assert ask(again) == ANSWER
    status, answer = again.request("DELETE", "/api/delete", {"model": "peer"})
    assert status == 500
    assert "read-only" in json.loads(answer)["error"].lower()
    assert ask(again) == ANSWER


def test_a_full_queue_is_a_503_in_the_known_words(start):
    server = start(env={"OLLAMA_NUM_PARALLEL": "1", "OLLAMA_MAX_QUEUE": "1"})
    server.create("peer", "peer-suite.gguf")
    server.create("twin", "peer-twin.gguf")
    statuses = []

    def knock(model):
        status, body = server.request("POST", "/api/chat", chat(model, stream=False))
        statuses.append((status, json.loads(body).get("error", "")))

    threads = [threading.Thread(target=knock, args=(model,)) for model in ["peer", "twin"] * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    busy = (503, "server busy, please try again.  maximum pending requests exceeded")
    assert set(statuses) <= {(200, ""), busy}
    assert (200, "") in statuses
    wait_until(lambda: ask(server) == ANSWER)
