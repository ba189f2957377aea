"""The command line of a native `llama-server` that means the same as params.LaunchParams."""

from __future__ import annotations

from pathlib import Path

from corral.engine.params import Launch, LaunchParams

PHYSICAL_BATCH = 512


def native_command(binary: Path, launch: Launch) -> list[str]:
    """Program and arguments; an API key travels in the environment instead (LLAMA_API_KEY)."""
    params = launch.params
    slots, batch = params.num_slots, params.batch
    command = [
        str(binary),
        *("--model", str(params.model)),
        *("--host", launch.listen),
        *("--ctx-size", str(params.context_window * slots)),
        *("--parallel", str(slots), "--no-kv-unified"),
        *("--batch-size", str(batch)),
        *("--ubatch-size", str(batch if params.embedding else min(batch, PHYSICAL_BATCH))),
        *("--threads", str(params.threads), "--threads-batch", str(params.threads)),
        *("--threads-http", str(slots + 8)),
        *("--cache-type-k", params.kv_cache_type, "--cache-type-v", params.kv_cache_type),
        *("--cache-ram", str(params.cache_ram_mib)),
        *("--flash-attn", {None: "auto", True: "on", False: "off"}[params.flash_attention]),
        *("--log-verbosity", "4", "--log-colors", "off"),
        *("--jinja", "--no-warmup", "--no-webui", "--no-slots"),
    ]
    return command + _placement(params) + _parts(params)


def _placement(params: LaunchParams) -> list[str]:
    out: list[str] = []
    if params.gpu_layers >= 0:
        out += ["--n-gpu-layers", str(params.gpu_layers)]
    if params.main_gpu is not None:
        out += ["--main-gpu", str(params.main_gpu), "--split-mode", "none"]
    if params.use_mmap is not None:
        out += ["--mmap" if params.use_mmap else "--no-mmap"]
    if not params.repack:
        out += ["--no-repack"]
    return out


def _parts(params: LaunchParams) -> list[str]:
    out: list[str] = []
    if params.embedding:
        out += ["--embeddings"]
    if params.context_shift:
        out += ["--context-shift"]
    for adapter in params.adapters:
        out += ["--lora-scaled", f"{adapter.path}:{adapter.scale:g}"]
    if params.projectors:
        out += ["--mmproj", str(params.projectors[0])]
    if params.draft is not None and params.draft_num_predict:
        out += ["--model-draft", str(params.draft), "--draft-max", str(params.draft_num_predict)]
    return out
