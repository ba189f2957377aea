import pytest

from corral.convert import to_png
from corral.errors import InvalidInput
from corral.prompt import Media, inspect
from tests.helpers.files import picture

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_a_webp_becomes_a_png_of_the_same_size():
    png = await to_png(picture("WEBP"), "image 1")
    assert inspect(png, "image 1") == Media("png", 40, 30)


async def test_a_broken_picture_is_refused_with_the_decoder_s_reason():
    with pytest.raises(InvalidInput, match="image 2 cannot be decoded: "):
        await to_png(picture("WEBP")[:50], "image 2")
