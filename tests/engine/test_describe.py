from pathlib import Path

import pytest

from corral.engine import describe
from corral.errors import LoadError


def script(folder: Path, text: str) -> Path:
    path = folder / "llama-server"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_packaged_engine_tells_what_it_was_built_for():
    build = describe()
    assert build.version.startswith("llama.cpp in xllamacpp ")
    assert "CPU" not in " ".join(build.devices)
    assert build.features


def test_a_native_server_tells_its_version(tmp_path):
    path = script(tmp_path, "echo loading >&2; echo 'version: 5 (abc)' >&2")
    assert describe(path).version == "llama-server version: 5 (abc)"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("echo bad thing >&2; exit 3", "bad thing", None),
        ("exit 3", "status 3", None),
        ("echo 'x.so: cannot open shared object file' >&2; exit 127", "x.so: cannot open shared object file",
         "on Debian: apt-get install libgomp1 libstdc++6"),
        ("kill -ILL $$", "it was ended by signal 4",
         "this processor may lack AVX2, which it needs: set CORRAL_LLAMA_SERVER to another build"),
    ],
)  # fmt: skip
def test_an_engine_that_does_not_start_says_why(tmp_path, text, message, hint):
    with pytest.raises(LoadError) as caught:
        describe(script(tmp_path, text))
    assert (caught.value.message, caught.value.hint) == (message, hint)
