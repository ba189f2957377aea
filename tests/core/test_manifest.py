import pytest

from corral.core.manifest import (
    MEDIA_CONFIG,
    MEDIA_MODEL,
    Layer,
    Manifest,
    ModelConfig,
    decode_config,
    decode_manifest,
)
from corral.errors import CorruptData

LAYER = Layer(MEDIA_MODEL, "sha256:" + "a" * 64, 100, origin="peer:latest")
CONFIG = Layer(MEDIA_CONFIG, "sha256:" + "b" * 64, 20)


def test_a_manifest_survives_its_bytes():
    manifest = Manifest(config=CONFIG, layers=(LAYER,))
    assert decode_manifest(manifest.encode()) == manifest
    assert (manifest.size, manifest.digests) == (120, (LAYER.digest, CONFIG.digest))


def test_a_manifest_is_compact_json_in_a_fixed_order():
    text = Manifest(config=CONFIG, layers=(LAYER,)).encode().decode()
    assert text.startswith('{"schemaVersion":2,"mediaType":"application/vnd.docker.')
    assert '"size":100,"from":"peer:latest"}' in text
    assert text.endswith("}\n")


def test_a_config_survives_its_bytes_and_leaves_out_what_is_empty():
    config = ModelConfig(
        model_format="gguf", model_family="llama", model_families=("llama",), renderer="qwen3"
    )
    data = config.encode()
    assert decode_config(data) == config
    assert b"remote_host" not in data
    assert b'"os":"linux"' in data


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"layers": 1}', b"\xff", b'{"mediaType":"\xff"}'])
def test_what_is_no_manifest_is_corrupt(data):
    with pytest.raises(CorruptData):
        decode_manifest(data)


@pytest.mark.parametrize(
    "data", [b'{"model_format": 1}', b'{"os": "\xff"}', b'{"a":' * 100_000], ids=["type", "text", "nesting"]
)
def test_what_is_no_config_is_corrupt(data):
    with pytest.raises(CorruptData, match="invalid model config"):
        decode_config(data)
