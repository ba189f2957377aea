"""The request bodies of `/api/tune`."""

from __future__ import annotations

import msgspec

from corral.tune.jobs import Wanted
from corral.tune.spec import Device, Format, Options, Preset


class TuneIn(msgspec.Struct, kw_only=True):
    """`model` is the base, `name` the model to make; files are ids, as `/v1/files` gives them."""

    model: str = ""
    name: str = ""
    files: list[str] = []
    validation_files: list[str] = []
    prompts_file: str = ""
    format: Format = ""
    preset: Preset = "balanced"
    hyperparameters: Options = Options()
    device: Device = "auto"
    num_thread: int = 0
    merge: bool = False
    quantize: str = ""
    force: bool = False
    stream: bool = True

    def to_wanted(self) -> Wanted:
        return Wanted(
            base=self.model,
            name=self.name,
            data=tuple(self.files),
            validation=tuple(self.validation_files),
            prompts=self.prompts_file,
            format=self.format,
            preset=self.preset,
            options=self.hyperparameters,
            device=self.device,
            num_threads=self.num_thread,
            merge=self.merge,
            quantize=self.quantize,
            force=self.force,
        )


class PublishIn(msgspec.Struct):
    """Without a `name` the one that the job was made with."""

    name: str = ""
