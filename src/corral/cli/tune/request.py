"""From the flags to the request, and the files to the server."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from json import loads
from pathlib import Path

from corral.cli.client import Client, blocks
from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.progress import Display
from corral.errors import CorralError

# Flags that are hyperparameters by the same name.
HYPERPARAMETERS = (
    "epochs",
    "max-steps",
    "learning-rate",
    "rank",
    "alpha",
    "dropout",
    "batch-size",
    "micro-batch-size",
    "max-length",
    "warmup-ratio",
    "weight-decay",
    "eval-fraction",
    "early-stop",
    "gradient-checkpointing",
    "quantized-base",
    "seed",
)
_TEXTS = ("name", "preset", "format", "device", "quantize")
_SWITCHES = ("merge", "force")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "preset": ("quick", "balanced", "thorough"),
    "format": ("messages", "sharegpt", "alpaca", "completion", "text"),
    "device": ("auto", "cpu", "cuda"),
}


@dataclass(frozen=True, slots=True)
class _Files:
    data: tuple[Path, ...]
    validation: tuple[Path, ...]
    prompts: tuple[Path, ...]

    @property
    def all(self) -> tuple[Path, ...]:
        return self.data + self.validation + self.prompts


def named_files(call: Invocation) -> _Files:
    """Words behind the base are more files of examples, as a shell makes them of `--data *.jsonl`.

    Raises CommandError for what is not there: better before anything is sent.
    """
    prompts = (call.text("prompts"),) if call.text("prompts") else ()
    data = call.texts("data")
    given = (data + call.args[1:] if data else (), call.texts("validation"), prompts)
    files = _Files(*(tuple(Path(text) for text in texts) for texts in given))
    if not files.data:
        raise CommandError(
            "no examples: name a file with --data",
            hint="JSON lines of messages, ShareGPT, Alpaca or prompts; CSV, Parquet or plain text",
        )
    for path in files.all:
        if not path.is_file():
            raise CommandError(f"there is no file {path}")
        if not path.stat().st_size:
            raise CommandError(f"{path} is empty")
    return files


def check_choices(call: Invocation) -> None:
    """Raises CommandError for a word that its flag does not have: better before anything is sent."""
    for name, words in _CHOICES.items():
        if (given := call.text(name)) and given not in words:
            raise CommandError(f"--{name} is one of {', '.join(words)}, not '{given}'")


def described(call: Invocation, base: str) -> dict[str, object]:
    """The request without its files; what was not given is left to the server."""
    body: dict[str, object] = {"model": base}
    body |= {name: call.text(name) for name in _TEXTS if call.text(name)}
    body |= {name: True for name in _SWITCHES if call.is_set(name)}
    if call.number("num-thread"):
        body["num_thread"] = call.number("num-thread")
    given = {name.replace("-", "_"): call.flags[name] for name in HYPERPARAMETERS if name in call.flags}
    if given:
        body["hyperparameters"] = given
    return body


@contextmanager
def uploaded(client: Client, files: _Files, display: Display) -> Iterator[dict[str, object]]:
    """The fields that name the files, which are on the server within the block: a job keeps its own."""
    with ExitStack() as stack:
        ids: dict[Path, str] = {}
        for path in dict.fromkeys(files.all):
            ids[path] = _send(client, path, display)
            stack.callback(_forget, client, ids[path])
        fields: dict[str, object] = {"files": [ids[path] for path in files.data]}
        if files.validation:
            fields["validation_files"] = [ids[path] for path in files.validation]
        if files.prompts:
            fields["prompts_file"] = ids[files.prompts[0]]
        yield fields


def _send(client: Client, path: Path, display: Display) -> str:
    size = path.stat().st_size
    bar = display.bar(f"sending {path.name}", size)
    with path.open("rb") as file:
        start, end, headers = _form(path.name, size)
        pieces = blocks(file, lambda done: display.update(bar, done))
        answer = loads(client.send("/v1/files", itertools.chain([start], pieces, [end]), headers))
    return str(answer["id"])


def _form(name: str, size: int) -> tuple[bytes, bytes, Mapping[str, str]]:
    """What stands before and after the bytes of the file, and the headers. Source: RFC 7578."""
    boundary = f"corral-{os.urandom(16).hex()}"
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    quoted = name.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
    head = f'{part}"purpose"\r\n\r\nfine-tune\r\n{part}"file"; filename="{quoted}"\r\n\r\n'
    start, end = head.encode("utf-8", "replace"), f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    return start, end, {"Content-Type": kind, "Content-Length": str(len(start) + size + len(end))}


def _forget(client: Client, id: str) -> None:
    with suppress(CorralError):
        client.call("DELETE", f"/v1/files/{id}")
