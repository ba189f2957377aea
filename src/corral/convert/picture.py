"""Pictures in a format that the engine reads. A child decodes them: decoders are native code.

`python -m corral.convert.picture` is that child: it reads a picture from stdin, writes a PNG to stdout, and
says on stderr why it cannot.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys

from corral.engine import child_environment, die_with_parent
from corral.errors import InvalidInput, StorageError

_TIMEOUT_S = 60.0


async def to_png(data: bytes, name: str) -> bytes:
    """The picture as a PNG; of an animation the first frame. `name` is what errors call it.

    Raises InvalidInput when it cannot be decoded, StorageError when no process can be started.
    """
    pipe = asyncio.subprocess.PIPE
    words = (sys.executable, "-m", "corral.convert.picture")
    try:
        child = await asyncio.create_subprocess_exec(
            *words, stdin=pipe, stdout=pipe, stderr=pipe, env=child_environment()
        )
    except OSError as error:
        raise StorageError(f"error starting the decoder of pictures: {error}") from error
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            out, said = await child.communicate(data)
    except TimeoutError:
        raise InvalidInput(f"{name} cannot be decoded: it takes too long") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await asyncio.shield(child.wait())
    if child.returncode != 0 or not out:
        reason = said.decode("utf-8", "replace").strip().splitlines()
        raise InvalidInput(f"{name} cannot be decoded: {reason[-1] if reason else 'the decoder crashed'}")
    return out


def main() -> None:
    die_with_parent()
    # Imported in the child alone: 100 ms and 20 MB that no server needs.
    from PIL import Image

    try:
        with Image.open(io.BytesIO(sys.stdin.buffer.read())) as picture:
            out = io.BytesIO()
            picture.convert("RGBA" if picture.has_transparency_data else "RGB").save(
                out, "PNG", compress_level=1
            )
    except Exception as error:  # whatever a decoder raises for a hostile file: the parent tells the user
        sys.exit(str(error) or type(error).__name__)
    sys.stdout.buffer.write(out.getvalue())


if __name__ == "__main__":
    main()
