from __future__ import annotations

import asyncio
import errno
import json
import os
import random
import socket
from pathlib import Path

import httpx
import pytest

from corral.core.digests import Digest
from corral.core.names import ModelName
from corral.errors import CorruptData, NotFound, RegistryError, StorageError
from corral.registry import Endpoint, Progress, RegistryClient, download_blob, fetch_small
from corral.registry.partial import Partial
from corral.registry.sha256 import sha256
from tests.helpers.fake_registry import FakeRegistry, served

SIZE = 1_000_000
PART = 150_000
DATA = random.Random(7).randbytes(SIZE)
DIGEST = Digest.of(DATA)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Small parts, and no waiting between attempts."""
    monkeypatch.setattr("corral.registry.partial.MIN_PART", PART)
    monkeypatch.setattr("corral.registry.partial._BLOCK", 50_000)
    monkeypatch.setattr("corral.registry.failures._MAX_WAIT_S", 0.01)


@pytest.fixture
def registry():
    found = FakeRegistry()
    found.add_blob(DATA)
    return found


def download(
    registry: FakeRegistry,
    target: Path,
    *,
    digest: Digest = DIGEST,
    total: int = SIZE,
    progress: Progress | None = None,
) -> Progress:
    progress = progress or Progress()
    progress.total = total

    async def run(host: str) -> None:
        name = ModelName(host, "a", "b", "t")
        async with RegistryClient(name, Endpoint(base=httpx.URL(f"http://{host}"))) as client:
            await download_blob(client, client.url(f"blobs/{digest}"), digest, target, progress)

    with served(registry) as host:
        asyncio.run(run(host))
    return progress


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_blob_arrives_in_parts_and_whole(tmp_path, registry):
    progress = download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA
    assert progress.completed == SIZE
    assert left_in(tmp_path) == ["blob"]
    assert sorted(registry.ranges, key=lambda text: int(text[6:].partition("-")[0])) == [
        f"bytes={start}-{min(start + PART, SIZE) - 1}" for start in range(0, SIZE, PART)
    ]


def test_parts_follow_one_another_on_one_connection(tmp_path, registry, monkeypatch, caplog):
    caplog.set_level("INFO", "corral.registry")
    monkeypatch.setattr("corral.registry.download.NUM_LANES", 1)
    opened = []

    def connect(*where: object) -> socket.socket:
        opened.append(where)
        return real(*where)

    real = socket.create_connection
    monkeypatch.setattr("socket.create_connection", connect)
    download(registry, tmp_path / "blob")
    assert (len(opened), caplog.messages) == (1, [])


def test_a_broken_connection_goes_on_where_it_stopped(tmp_path, registry):
    registry.cut_after = 40_000
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA
    assert "bytes=40000-149999" in registry.ranges


@pytest.mark.parametrize("seed", range(3))
def test_cuts_at_random_places_do_no_harm(tmp_path, registry, seed):
    chance = random.Random(seed)
    registry.cuts = [chance.randrange(1, PART) for _ in range(30)]
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA


def test_a_storm_of_refusals_is_waited_out(tmp_path, registry):
    registry.statuses = [429, 500, 503, 500, 429, 502, 500, 504]
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA


def test_a_registry_that_always_refuses_is_given_up(tmp_path, registry):
    registry.statuses = [503] * 200
    with pytest.raises(RegistryError, match=r"^max retries exceeded: 503: not now$"):
        download(registry, tmp_path / "blob")
    assert not (tmp_path / "blob").exists()


def test_a_registry_without_ranges_works_too(tmp_path, registry):
    registry.ignore_range = True
    progress = download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA
    assert progress.completed == SIZE
    assert left_in(tmp_path) == ["blob"]


def test_a_registry_without_ranges_that_breaks_off_is_asked_again(tmp_path, registry):
    registry.ignore_range = True
    registry.cuts = [300_000, 300_000, 300_000, 300_000, 300_000, 300_000, 300_000, 300_000, 300_000, 300_000]
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA


def test_a_signed_address_that_runs_out_is_asked_for_again(tmp_path, registry):
    registry.num_expired = 4
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA


class Leaving(Progress):
    """A watcher that leaves when so much has arrived."""

    after: int = SIZE

    def add(self, num_bytes: int) -> None:
        super().add(num_bytes)
        if self.completed >= self.after:
            raise KeyError("left")


def interrupted(registry: FakeRegistry, folder: Path, after: int) -> None:
    progress = Leaving()
    progress.after = after
    with pytest.raises(KeyError):
        download(registry, folder / "blob", progress=progress)


def test_what_an_earlier_attempt_brought_is_neither_fetched_nor_hashed_again(tmp_path, registry, monkeypatch):
    (tmp_path / "blob-partial").write_bytes(DATA[:600_000] + bytes(SIZE - 600_000))
    (tmp_path / "blob-partial-0").write_text('{"N":0,"Offset":0,"Size":600000,"Completed":600000}\n')
    (tmp_path / "blob-partial-1").write_text('{"N":1,"Offset":600000,"Size":400000,"Completed":0}\n')
    found = sha256()
    found.update(bytearray(DATA), 450_000)
    inode = (tmp_path / "blob-partial").stat().st_ino
    note = {"inode": inode, "hashed": 450_000, "state": found.state().hex()}
    (tmp_path / "blob-partial.hash").write_text(json.dumps(note))
    read_at = []

    def read(handle: int, buffers: list[memoryview], offset: int) -> int:
        read_at.append(offset)
        return real(handle, buffers, offset)

    real = os.preadv
    monkeypatch.setattr("os.preadv", read)
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA
    assert registry.ranges == ["bytes=600000-999999"]
    assert min(read_at) == 450_000
    assert left_in(tmp_path) == ["blob"]


def test_an_interrupted_download_goes_on(tmp_path, registry):
    interrupted(registry, tmp_path, 600_000)
    registry.requests.clear()
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA
    assert left_in(tmp_path) == ["blob"]


def test_without_the_state_of_the_digest_the_bytes_are_hashed_again(tmp_path, registry):
    interrupted(registry, tmp_path, 600_000)
    (tmp_path / "blob-partial.hash").unlink()
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA


def test_a_download_of_the_reference_is_continued(tmp_path, registry):
    (tmp_path / "blob-partial").write_bytes(DATA[:300_000] + bytes(SIZE - 300_000))
    (tmp_path / "blob-partial-0").write_text('{"N":0,"Offset":0,"Size":700000,"Completed":300000}\n')
    (tmp_path / "blob-partial-1").write_text('{"N":1,"Offset":700000,"Size":300000,"Completed":0}\n')
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA
    assert sorted(registry.ranges) == ["bytes=300000-699999", "bytes=700000-999999"]
    assert left_in(tmp_path) == ["blob"]


def test_the_journal_is_one_that_the_reference_can_continue(tmp_path, registry):
    interrupted(registry, tmp_path, 400_000)
    parts = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("blob-partial-*"))]
    assert [(part["N"], part["Offset"]) for part in parts] == [(n, n * PART) for n in range(7)]
    assert sum(part["Size"] for part in parts) == SIZE
    data = (tmp_path / "blob-partial").read_bytes()
    for part in parts:
        start, stop = part["Offset"], part["Offset"] + part["Completed"]
        assert data[start:stop] == DATA[start:stop]


@pytest.mark.parametrize(
    "journal",
    [
        "",
        "nonsense",
        '{"N":0,"Offset":0,"Size":700000,"Completed":0}',
        '{"N":0,"Offset":0,"Size":1000000,"Completed":2000000}',
        '{"N":0,"Offset":-5,"Size":1000005,"Completed":0}',
    ],
    ids=["empty", "no JSON", "a gap", "more than there is", "below zero"],
)
def test_a_journal_that_cannot_be_is_dropped(tmp_path, registry, journal):
    (tmp_path / "blob-partial").write_bytes(bytes(SIZE))
    (tmp_path / "blob-partial-0").write_text(journal)
    (tmp_path / "blob-partial.hash").write_text('{"inode":0,"hashed":99,"state":"00"}')
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA
    assert left_in(tmp_path) == ["blob"]


def test_wrong_bytes_are_removed_and_a_second_pull_is_right(tmp_path, registry):
    registry.blobs[str(DIGEST)] = bytes(SIZE)
    with pytest.raises(CorruptData, match=r"^digest mismatch, file must be downloaded again: want sha256:"):
        download(registry, tmp_path / "blob")
    assert left_in(tmp_path) == []
    registry.add_blob(DATA)
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA


@pytest.mark.parametrize("total", [SIZE - 1, SIZE + 1])
def test_a_blob_of_another_size_is_refused(tmp_path, registry, total):
    with pytest.raises(CorruptData, match=f"has {SIZE} bytes, its manifest says {total}$"):
        download(registry, tmp_path / "blob", total=total)
    assert not (tmp_path / "blob").exists()


def test_a_missing_blob_is_not_asked_for_again(tmp_path, registry):
    with pytest.raises(NotFound):
        download(registry, tmp_path / "blob", digest=Digest.of(b"x"))
    assert len(registry.requests) == 1


def test_two_programs_do_not_write_one_download(tmp_path, registry):
    other = Partial.open(tmp_path / "blob", SIZE)
    with pytest.raises(StorageError, match="another program is downloading blob-partial"):
        download(registry, tmp_path / "blob")
    other.close()


def test_a_full_disk_is_told_and_what_has_arrived_is_kept(tmp_path, registry, monkeypatch):
    written = []

    def write(handle: int, data: memoryview, offset: int) -> int:
        if offset >= 500_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(len(data))
        return real(handle, data, offset)

    real = os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", write)
        with pytest.raises(StorageError, match="no space left on device") as caught:
            download(registry, tmp_path / "blob")
    assert caught.value.hint == "free some space and pull again: what has arrived is kept"
    registry.requests.clear()
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA


def test_a_connection_that_brings_next_to_nothing_is_replaced(tmp_path, registry, monkeypatch):
    monkeypatch.setattr("corral.registry.lane.STALL_S", 0.2)
    monkeypatch.setattr("corral.registry.lane._MIN_BYTES", SIZE)
    registry.pause_s = 0.15
    download(registry, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA
    assert len(registry.ranges) > -(-SIZE // PART)


def test_a_silent_connection_is_given_up(tmp_path, registry, monkeypatch):
    monkeypatch.setattr("corral.registry.lane.STALL_S", 0.1)
    registry.pause_s = 0.5
    with pytest.raises(RegistryError, match="no data for too long"):
        download(registry, tmp_path / "blob")


def small(registry: FakeRegistry, data: bytes, total: int) -> bytes:
    async def run() -> bytes:
        name = ModelName("registry.test", "a", "b", "t")
        endpoint = Endpoint(base=httpx.URL("https://registry.test"))
        async with RegistryClient(name, endpoint, transport=registry.transport) as client:
            digest = Digest.of(data)
            url = client.url(f"blobs/{digest}")
            return await fetch_small(client, url, digest, Progress(total=total))

    return asyncio.run(run())


def test_a_small_blob_comes_in_one_request(registry):
    registry.add_blob(b"{}")
    assert small(registry, b"{}", 2) == b"{}"
    assert len(registry.requests) == 1


def test_a_small_blob_that_breaks_off_is_asked_for_again(registry):
    registry.add_blob(b"text" * 100)
    registry.cuts, registry.statuses = [7], [500, 429]
    assert small(registry, b"text" * 100, 400) == b"text" * 100


def test_a_small_blob_with_other_bytes_is_refused(registry):
    registry.blobs[str(Digest.of(b"{}"))] = b"[]"
    with pytest.raises(CorruptData, match=r"^digest mismatch"):
        small(registry, b"{}", 2)


def test_a_small_blob_that_does_not_end_is_refused(registry):
    registry.add_blob(b"text" * 100)
    with pytest.raises(RegistryError, match="larger than 10 bytes"):
        small(registry, b"text" * 100, 10)


def test_a_link_in_the_place_of_the_partial_file_is_not_written_through(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    (tmp_path / "blob-partial").symlink_to(other)
    with pytest.raises(StorageError, match="symbolic links"):
        Partial.open(tmp_path / "blob", 100)
    assert other.read_bytes() == b"precious"
