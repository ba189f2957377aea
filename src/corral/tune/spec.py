"""What one job shall do: the line of JSON that its child reads, kept as `spec.json` in the job's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from corral.settings import Settings

Preset = Literal["quick", "balanced", "thorough"]
Device = Literal["auto", "cpu", "cuda"]
# What each line or row of a data file is; empty: each file is looked at.
Format = Literal["", "messages", "sharegpt", "alpaca", "completion", "text"]
# check: read and report the data. plan: also memory, steps and time. train: all of it.
Mode = Literal["check", "plan", "train"]


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the user set; None takes the preset's value. Sizes in tokens or sequences."""

    epochs: float | None = None
    max_steps: int | None = None
    learning_rate: float | None = None
    rank: int | None = None
    alpha: int | None = None
    dropout: float | None = None
    batch_size: int | None = None  # sequences a step, whatever fits at once
    micro_batch_size: int | None = None  # sequences at once
    max_length: int | None = None
    warmup_ratio: float | None = None
    weight_decay: float | None = None
    eval_fraction: float | None = None
    early_stop: int | None = None  # evaluations without a better loss; 0: never
    gradient_checkpointing: bool | None = None
    quantized_base: bool | None = None  # QLoRA; None: where the device can
    seed: int | None = None


class Spec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One job. Paths are absolute."""

    folder: str  # the job's own: spec.json, events.jsonl, checkpoints/, adapter.gguf, card.json
    models: str  # the store
    home: str  # of the server: which engine it uses is written there
    llama_server: str = ""  # the setting of that name; empty: it is not set
    base: str  # a name in the store
    data: tuple[str, ...]
    validation: tuple[str, ...] = ()  # empty: a share of the data, drawn with the seed
    format: Format = ""
    prompts: str = ""  # a set of prompts with what their answers must hold, asked before and after
    preset: Preset = "balanced"
    options: Options = Options()
    device: Device = "auto"
    num_threads: int = 0  # 0: what leaves room for serving
    mode: Mode = "train"
    merge: bool = False
    quantize: str = ""  # of the merged model, such as q4_K_M

    @property
    def settings(self) -> Settings:
        """As the server has them, as far as models and the engine go."""
        program = Path(self.llama_server) if self.llama_server else None
        return Settings(models=Path(self.models), home=Path(self.home), llama_server=program)
