"""Files of the user's own become models through the command and a real server, and answer."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys

import pytest

from tests.helpers.server import MODELS

pytestmark = pytest.mark.slow

MESSAGES = [{"role": "user", "content": "Which capital has Peru?"}]


def create(server, folder, name, *words):
    """`corral create` in `folder`, with an own home: the store is known from the server alone."""
    environment = {name: value for name, value in server.env.items() if name != "OLLAMA_MODELS"}
    home = {"HOME": str(folder), "CORRAL_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "corral.cli", "create", name, *words],
        cwd=folder,
        env={**environment, **home},
        capture_output=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


@pytest.fixture
def checkpoint(tmp_path):
    """A tiny Qwen 2 in a folder, its tokenizer and its network."""
    from tests.helpers import checkpoints

    network = checkpoints.make("qwen2", tmp_path / "qwen")
    return tmp_path / "qwen", checkpoints.tokenizer_of(tmp_path / "qwen"), network


def can_clone(folder):
    """Whether this file system makes clones, whose bytes are shared though they look like copies."""
    (folder / "one").write_bytes(bytes(4096))
    with (folder / "one").open("rb") as one, (folder / "two").open("wb") as two:
        try:
            fcntl.ioctl(two, 0x40049409, one.fileno())
        except OSError:
            return False
    return True


def test_a_gguf_file_is_taken_over_without_a_second_copy(start, tmp_path):
    server = start()  # with a store that is not there yet
    source = tmp_path / "weights.gguf"
    shutil.copy(MODELS / "peer-suite.gguf", source)
    create(server, tmp_path, "shared")
    blob = server.models / "blobs" / f"sha256-{hashlib.sha256(source.read_bytes()).hexdigest()}"
    assert blob.samefile(source) or can_clone(tmp_path)


def test_a_converted_checkpoint_chats_with_its_own_template(server, checkpoint):
    folder, tokenizer, _ = checkpoint
    said = create(server, folder, "converted")
    assert "converting model\n" in said
    options = {"temperature": 0, "num_predict": 4}
    answer = server.post(
        "/api/chat", {"model": "converted", "messages": MESSAGES, "stream": False, "options": options}
    )
    prompt = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True)["input_ids"]
    assert (answer["prompt_eval_count"], answer["done"]) == (len(prompt), True)


def test_a_converted_checkpoint_shows_what_it_is(server, checkpoint):
    create(server, checkpoint[0], "quantized", "-q", "q8_0")
    shown = server.post("/api/show", {"model": "quantized"})
    assert shown["details"]["quantization_level"] == "Q8_0"
    assert shown["details"]["family"] == "qwen2"
    assert shown["model_info"]["general.architecture"] == "qwen2"
