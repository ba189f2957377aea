"""Pulls and pushes by a real server, killed in the middle, against a real registry on a slow road."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading

import pytest

from corral.core.digests import Digest
from corral.core.manifest import MEDIA_MODEL, Layer, Manifest
from corral.core.names import ModelName
from corral.store import Store
from tests.end_to_end.test_faults import in_own_mounts
from tests.helpers.docker_registry import SlowRoad, docker_registry
from tests.helpers.server import wait_until

pytestmark = pytest.mark.slow

SIZE = 48_000_000
SLOW, QUICK = 12_000_000, 1_000_000_000


@pytest.fixture(scope="module")
def weights():
    return random.Random(5).randbytes(SIZE)


@pytest.fixture
def road(tmp_path):
    with docker_registry(tmp_path / "registry") as host, SlowRoad(host, QUICK) as found:
        yield found


def add_model(store, name, weights):
    layer = Layer(MEDIA_MODEL, str(store.blobs.add_bytes(weights)), len(weights))
    config = Layer("application/vnd.docker.container.image.v1+json", str(store.blobs.add_bytes(b"{}")), 2)
    store.manifests.write(ModelName.parse(name), Manifest(config=config, layers=(layer,)).encode())


def transfer(server, action, name):
    """The last record of a pull or a push, waited for."""
    status, answer = server.request(
        "POST", f"/api/{action}", {"model": name, "insecure": True, "stream": False}
    )
    assert status == 200, answer
    return json.loads(answer)["status"]


def begin(server, action, name):
    """Start a transfer and wait for nothing."""
    body = {"model": name, "insecure": True}

    def read():
        try:
            with server.stream(f"/api/{action}", body) as answer:
                answer.read()
        except Exception:  # the server is killed under it
            pass

    threading.Thread(target=read, daemon=True).start()


def arrived(store, digest):
    """Bytes that the journal of a download accounts for."""
    path = store.blobs.path(digest)
    states = path.parent.glob(f"{path.name}-partial-*")
    return sum(json.loads(state.read_text() or '{"Completed":0}')["Completed"] for state in states)


def test_a_pull_that_is_killed_goes_on_where_it_was(start, road, weights):
    name, digest = f"{road.address}/team/model:v1", Digest.of(weights)
    server = start()
    store = Store(server.models)
    add_model(store, name, weights)
    assert transfer(server, "push", name) == "success"
    store.delete(ModelName.parse(name))

    road.bytes_per_s = SLOW
    begin(server, "pull", name)
    wait_until(lambda: arrived(store, digest) > SIZE / 4, message="nothing arrives")
    server.kill()
    assert not store.blobs.has(digest)
    kept = arrived(store, digest)
    assert json.loads(store.blobs.path(digest).with_name(f"{digest.file_name}-partial.hash").read_text())

    road.bytes_per_s, road.num_down = QUICK, 0
    server.start()
    assert transfer(server, "pull", name) == "success"
    assert store.blobs.digest_of(digest, lambda _: True) == digest
    # The blob is looked for once without a range, which the reader ends early.
    assert road.num_down < SIZE - kept + 8_000_000
    assert [path.name for path in store.blobs.directory.glob("*partial*")] == []


def test_a_push_that_is_killed_is_finished_by_the_next(start, road, weights):
    name = f"{road.address}/team/model:v1"
    server = start()
    store = Store(server.models)
    add_model(store, name, weights)
    road.bytes_per_s = SLOW
    begin(server, "push", name)
    wait_until(lambda: road.num_up > SIZE / 4, message="nothing is sent")
    server.kill()
    road.bytes_per_s = QUICK
    server.start()
    assert transfer(server, "push", name) == "success"
    store.delete(ModelName.parse(name))
    assert transfer(server, "pull", name) == "success"
    assert store.blobs.has(Digest.of(weights))


def test_a_cancelled_pull_leaves_what_has_arrived(start, road, weights):
    name, digest = f"{road.address}/team/model:v1", Digest.of(weights)
    server = start()
    store = Store(server.models)
    add_model(store, name, weights)
    transfer(server, "push", name)
    store.delete(ModelName.parse(name))
    road.bytes_per_s = SLOW
    with server.stream("/api/pull", {"model": name, "insecure": True}) as answer:
        while json.loads(answer.readline()).get("completed", 0) < SIZE / 4:
            pass
    wait_until(lambda: arrived(store, digest) >= SIZE / 4, message="the journal is not written")
    before = arrived(store, digest)
    road.bytes_per_s = QUICK
    with server.stream("/api/pull", {"model": name, "insecure": True}) as answer:
        records = [json.loads(line) for line in answer]
    first = next(record for record in records if record.get("completed"))
    assert first["completed"] >= before
    assert records[-1] == {"status": "success"}


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(start, road, weights):
    name = f"{road.address}/team/model:v1"
    server = start()
    add_model(Store(server.models), name, weights)
    transfer(server, "push", name)
    small = start(command=in_own_mounts('mount -t tmpfs -o size=2m none "$OLLAMA_MODELS"'))
    road.num_down = 0
    status, answer = small.request("POST", "/api/pull", {"model": name, "insecure": True, "stream": False})
    assert status == 500
    assert json.loads(answer)["error"].startswith("not enough disk space: 48 MB are to come, 2")
    assert road.num_down < 100_000


def test_one_server_downloads_for_another(start, weights):
    lab = start(env={"CORRAL_SHARE": "1", "CORRAL_OPEN": "none"})
    add_model(Store(lab.models), "big", weights)
    key = made_key(lab)
    other = start()
    home = other.folder / "corral"
    home.mkdir(exist_ok=True)
    config = f'[registries."registry.ollama.ai"]\nmirror = "{lab.base_url}"\n'
    (home / "config.toml").write_text(config)
    other.stop()
    other.start()
    body = {"model": "big", "stream": False}
    assert other.request("POST", "/api/pull", body)[0] == 500  # it is not known there

    corral(other, "login", "--insecure", "--token", "--password-stdin", lab.base_url, stdin=key)
    assert json.loads(other.request("POST", "/api/pull", body)[1]) == {"status": "success"}
    assert Store(other.models).blobs.digest_of(Digest.of(weights), lambda _: True) == Digest.of(weights)


def made_key(server):
    """A new API key that may read."""
    return corral(server, "keys", "create", "lab", "--scope", "read").split()[0]


def corral(server, *words, stdin=""):
    """What a command prints, run beside the server."""
    command = [sys.executable, "-m", "corral.cli", *words]
    done = subprocess.run(
        command, env=server.env, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
