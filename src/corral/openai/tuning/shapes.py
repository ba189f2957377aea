"""The request that makes a fine-tuning job."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from corral.core.names import ModelName
from corral.errors import InvalidInput
from corral.tune.jobs import Wanted
from corral.tune.spec import Device, Format, Options, Preset

_MAX_SUFFIX = 64
_METHOD = "supervised"


class HyperparametersIn(msgspec.Struct):
    """Numbers, or `auto`, which leaves the choice to the preset."""

    n_epochs: Any = None
    batch_size: Any = None
    learning_rate_multiplier: Any = None


class SupervisedIn(msgspec.Struct):
    hyperparameters: HyperparametersIn = msgspec.field(default_factory=HyperparametersIn)


class MethodIn(msgspec.Struct):
    type: str = _METHOD
    supervised: SupervisedIn = msgspec.field(default_factory=SupervisedIn)


class JobIn(msgspec.Struct, kw_only=True):
    """What goes beyond OpenAI's fields is what `/api/tune` takes too."""

    model: str = ""
    training_file: str = ""
    validation_file: str = ""
    suffix: str = ""
    seed: int | None = None
    hyperparameters: HyperparametersIn | None = None
    method: MethodIn = msgspec.field(default_factory=MethodIn)
    metadata: dict[str, str] = {}
    integrations: list[Any] = []
    name: str = ""
    preset: Preset = "balanced"
    options: Options = Options()
    format: Format = ""
    prompts_file: str = ""
    device: Device = "auto"
    num_thread: int = 0
    merge: bool = False
    quantize: str = ""
    force: bool = False

    def to_wanted(self) -> Wanted:
        """Raises InvalidInput."""
        if not self.training_file:
            raise InvalidInput("training_file is required: the id of a file that was sent to /v1/files")
        if self.method.type != _METHOD:
            raise InvalidInput(f'method "{self.method.type}" is not supported: use "{_METHOD}"')
        if self.integrations:
            raise InvalidInput("integrations are not supported: nothing of a job leaves this machine")
        return Wanted(
            base=self.model,
            name=self.name or self._named(),
            data=(self.training_file,),
            validation=(self.validation_file,) if self.validation_file else (),
            prompts=self.prompts_file,
            format=self.format,
            preset=self.preset,
            options=self._options(),
            learning_rate_multiplier=_number("learning_rate_multiplier", self._given, float) or 0.0,
            device=self.device,
            num_threads=self.num_thread,
            merge=self.merge,
            quantize=self.quantize,
            force=self.force,
            result_file=True,
        )

    @property
    def _given(self) -> HyperparametersIn:
        return self.hyperparameters or self.method.supervised.hyperparameters

    def _options(self) -> Options:
        set_here = {
            "epochs": _number("n_epochs", self._given, float),
            "batch_size": _number("batch_size", self._given, int),
            "seed": self.seed,
        }
        known = {name: value for name, value in set_here.items() if value is not None}
        return msgspec.structs.replace(self.options, **known)

    def _named(self) -> str:
        """`base-suffix`; OpenAI's own form of names, with its colons, would be none here."""
        if not self.suffix or not self.model:
            return ""
        if len(self.suffix) > _MAX_SUFFIX:
            raise InvalidInput(f"suffix may have at most {_MAX_SUFFIX} characters")
        suffix = re.sub(r"[^\w.-]+", "-", self.suffix).strip("-")
        return f"{ModelName.parse(self.model).model}-{suffix}"


def _number(name: str, given: HyperparametersIn, kind: type[int] | type[float]) -> Any:
    """None for `auto`. Raises InvalidInput for anything else that is no number above 0."""
    value = getattr(given, name)
    if value is None or value == "auto":
        return None
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(f'{name} must be a number, or "auto"') from error
