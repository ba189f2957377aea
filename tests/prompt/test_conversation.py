from dataclasses import replace

import pytest

from corral.core.manifest import Manifest, ModelConfig
from corral.core.messages import Message
from corral.core.model import Model
from corral.core.names import ModelName
from corral.core.requests import GenerateRequest
from corral.errors import InvalidInput
from corral.prompt import chat_messages, check_images, generate_messages, is_audio, mark_images

STORED = (Message("user", "Who?"), Message("assistant", "Me."))
HI = Message("user", "hi")
MODEL = Model(
    name=ModelName.parse("m"),
    digest="",
    manifest=Manifest(),
    config=ModelConfig(),
    size=0,
    modified_at=0,
    system="Be kind.",
    messages=STORED,
)
KIND = Message("system", "Be kind.")


def test_the_models_own_messages_come_before_those_of_the_request():
    assert chat_messages(MODEL, [HI]) == [KIND, *STORED, HI]


def test_a_request_that_begins_with_a_system_text_replaces_that_of_the_model():
    other = Message("system", "Other.")
    assert chat_messages(MODEL, [other, HI]) == [*STORED, other, HI]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [KIND, *STORED, HI]),
        ({"system": "Other."}, [Message("system", "Other."), *STORED, HI]),
        ({"context": ()}, [KIND, HI]),
        ({"images": (b"x",)}, [KIND, *STORED, Message("user", "hi", images=(b"x",))]),
    ],
)
def test_a_generate_request_means_a_conversation(fields, expected):
    assert generate_messages(MODEL, GenerateRequest(model="m", prompt="hi", **fields)) == expected


def test_reasoning_in_old_answers_of_qwen_3_is_taken_out():
    qwen = replace(MODEL, config=ModelConfig(model_family="qwen3"), system="", messages=())
    old, new = Message("assistant", "<think>\nx</think>\n\nyes"), Message("assistant", "<think>x</think>no")
    assert chat_messages(qwen, [HI, old, HI, new]) == [HI, Message("assistant", "yes"), HI, new]
    assert chat_messages(replace(MODEL, system="", messages=()), [HI, old, HI]) == [HI, old, HI]


@pytest.mark.parametrize(
    ("content", "count", "spaced", "expected"),
    [
        ("see", 1, False, "[img-0]see"),
        ("see [img] and", 2, False, "[img-1]see [img-0] and"),
        ("a [img] b [img]", 2, False, "a [img-0] b [img-1]"),
        ("see", 2, True, "[img-0][img-1] see"),
        ("\nsee", 1, True, "[img-0]\nsee"),
        ("", 1, True, "[img-0]"),
        ("see [img-0]", 1, True, "see [img-0]"),
    ],
)
def test_markers_stand_for_images(content, count, spaced, expected):
    [message], images = mark_images([Message("user", content, images=(b"x",) * count)], spaced=spaced)
    assert message.content == expected
    assert len(images) == count


def test_images_are_numbered_over_the_whole_conversation():
    messages, images = mark_images(
        [Message("user", "a", images=(b"1",)), Message("user", "b", images=(b"2",))]
    )
    assert [message.content for message in messages] == ["[img-0]a", "[img-1]b"]
    assert images == (b"1", b"2")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"RIFF....WAVEfmt ", True),
        (b"RIFF....WEBPVP8 ", False),
        (b"ID3\x04", True),
        (b"\xff\xfb\x90", True),
        (b"\xff\xd8\xff", False),
        (b"\x89PNG", False),
        (b"", False),
    ],
)
def test_audio_is_told_from_images_by_its_first_bytes(data, expected):
    assert is_audio(data) is expected


def test_one_image_a_message_is_all_that_mllama_takes():
    mllama = replace(MODEL, config=ModelConfig(model_families=("mllama",)))
    check_images(mllama, [Message("user", images=(b"1",))])
    with pytest.raises(InvalidInput, match="only supports one image"):
        check_images(mllama, [Message("user", images=(b"1", b"2"))])
