from __future__ import annotations

import httpx
import pytest

from corral.core.digests import Digest
from corral.errors import NotFound
from corral.registry.hugging_face import RemoteFile, choose_files

SPLIT = ["big-Q8_0-00001-of-00002.gguf", "big-Q8_0-00002-of-00002.gguf"]


def files(*names: str) -> list[RemoteFile]:
    return [RemoteFile(name, Digest.of(name.encode()), 1, httpx.URL("https://x")) for name in names]


def chosen(names: list[str], tag: str) -> list[str]:
    return [file.name for file in choose_files(files(*names), tag)]


@pytest.mark.parametrize(
    ("names", "tag", "wanted"),
    [
        (["m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-F16.gguf"], "latest", "m-Q4_K_M.gguf"),
        (["m-Q8_0.gguf", "m-f16.gguf"], "latest", "m-Q8_0.gguf"),
        (["m.gguf"], "latest", "m.gguf"),
        (["m-Q8_0.gguf", "m-Q4_K_M.gguf"], "q8_0", "m-Q8_0.gguf"),
        (["m.Q5_K_S.gguf", "m.Q5_K_M.gguf"], "Q5_K_M", "m.Q5_K_M.gguf"),
        (["m-IQ4_XS.gguf", "m-Q4_K_M.gguf"], "IQ4_XS", "m-IQ4_XS.gguf"),
        (["m-UD-Q4_K_XL.gguf", "m-Q4_K_M.gguf"], "UD-Q4_K_XL", "m-UD-Q4_K_XL.gguf"),
        (["Q4_0/m.gguf", "BF16/m.gguf"], "BF16", "BF16/m.gguf"),
        (["a-Q4_0.gguf", "b-Q4_0.gguf"], "b-Q4_0.gguf", "b-Q4_0.gguf"),
        (["m-Q4_0.gguf", "m-imatrix.gguf", "m-lora-Q8_0.gguf"], "latest", "m-Q4_0.gguf"),
        (["m-fp16.gguf", "m-Q2_K.gguf"], "F16", "m-fp16.gguf"),
    ],
)
def test_a_tag_means_one_model(names, tag, wanted):
    assert chosen(names, tag) == [wanted]


def test_all_shards_of_a_model_come_in_order():
    assert chosen([*reversed(SPLIT), "big-Q4_0.gguf"], "Q8_0") == SPLIT


def test_the_projector_beside_a_model_comes_with_it():
    names = ["mmproj-BF16.gguf", "mmproj-F16.gguf", "v-Q4_K_M.gguf", "v-Q8_0.gguf"]
    assert chosen(names, "Q8_0") == ["v-Q8_0.gguf", "mmproj-F16.gguf"]


def test_a_tag_that_nothing_matches_says_what_there_is():
    with pytest.raises(NotFound) as caught:
        chosen(["m-Q8_0.gguf", "m-Q4_K_M.gguf"], "Q3_K")
    assert caught.value.message == 'no file of the repository matches "Q3_K"; there are: Q4_K_M, Q8_0'


def test_a_repository_without_a_model_says_so():
    with pytest.raises(NotFound, match="holds no GGUF model"):
        chosen(["mmproj-F16.gguf"], "latest")
