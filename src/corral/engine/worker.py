"""The child process of a model: the only module that imports the native engine.

`python -m corral.engine.worker` reads one line (params.Launch as JSON) from stdin and writes one line to
stdout: `{"ready": {"address": ...}}` or `{"failed": {"message": ..., "hint": ...}}`. Between the two the
engine itself may write lines of load progress. It serves until stdin ends, which happens when its parent
does, however that died. With `--devices` it prints the devices that the engine sees, as JSON, and ends.

Every attribute name of the package stands in this file; they change between releases, so the release is
pinned and a test sets each.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from types import ModuleType
from typing import Any

import msgspec

from corral.engine.params import Launch, LaunchParams, decode_launch

# The engine logs buffer sizes from this level on; they tell what a model costs on each device.
VERBOSITY = 4
# On a CPU the engine looks for a cancelled request once per batch.
MAX_CPU_BATCH = 512
PHYSICAL_BATCH = 512
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    if "--devices" in arguments:
        return _print_devices()
    die_with_parent()
    launch = decode_launch(_read_line(0))
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        engine = _import_engine()
        # Blocks until the model is loaded, holding the GIL: until then the guard is the engine's own or the kernel's.
        server = engine.Server(common_params(engine, launch, has_gpu=has_gpu(engine)))
    except ImportError as error:
        _say({"failed": {"message": f"the engine cannot be loaded: {error}", "hint": "apt install libgomp1"}})
        return 1
    except (RuntimeError, ValueError) as error:
        _say({"failed": {"message": str(error), "hint": None}})
        return 1
    _say({"ready": {"address": server.listening_address}})
    threading.Event().wait()
    return 0


def common_params(engine: ModuleType, launch: Launch, *, has_gpu: bool) -> Any:
    """The engine's parameter object for `launch`."""
    params = launch.params
    out = engine.CommonParams()
    out.hostnames = [launch.listen]
    out.api_keys = [launch.api_key] if launch.api_key else []
    out.model.path = str(params.model)
    out.verbosity = VERBOSITY
    out.ui = False
    out.warmup = False
    out.endpoint_slots = False
    out.sse_ping_interval = 30
    out.n_threads_http = params.num_slots + 8
    out.use_jinja = True
    out.cpuparams.n_threads = params.threads
    out.cpuparams_batch.n_threads = params.threads
    _set_context(out, params, has_gpu=has_gpu)
    _set_memory(engine, out, params, has_gpu=has_gpu)
    _set_parts(engine, out, params)
    return out


def _set_context(out: Any, params: LaunchParams, *, has_gpu: bool) -> None:
    out.n_parallel = params.num_slots
    out.n_ctx = params.context_window * params.num_slots
    # One pool for all slots would fail every request in flight when it is full.
    out.kv_unified = False
    out.ctx_shift = params.context_shift
    out.embedding = params.embedding
    # An embedding input must fit into one physical batch.
    batch = params.batch if has_gpu or params.embedding else min(params.batch, MAX_CPU_BATCH)
    out.n_batch = batch
    out.n_ubatch = batch if params.embedding else min(batch, PHYSICAL_BATCH)


def _set_memory(engine: ModuleType, out: Any, params: LaunchParams, *, has_gpu: bool) -> None:
    out.n_gpu_layers = params.gpu_layers
    out.fit_params = has_gpu and params.gpu_layers < 0
    if params.main_gpu is not None:
        out.main_gpu = params.main_gpu
        out.split_mode = engine.llama_split_mode.LLAMA_SPLIT_MODE_NONE
    modes = engine.llama_load_mode
    out.load_mode = {
        None: modes.LLAMA_LOAD_MODE_AUTO,
        True: modes.LLAMA_LOAD_MODE_MMAP,
        False: modes.LLAMA_LOAD_MODE_NONE,
    }[params.use_mmap]
    flash = engine.llama_flash_attn_type
    out.flash_attn_type = {
        None: flash.LLAMA_FLASH_ATTN_TYPE_AUTO,
        True: flash.LLAMA_FLASH_ATTN_TYPE_ENABLED,
        False: flash.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    }[params.flash_attention]
    kv_type = engine.ggml_type[f"GGML_TYPE_{params.kv_cache_type.upper()}"]
    out.cache_type_k = kv_type
    out.cache_type_v = kv_type
    out.cache_ram_mib = params.cache_ram_mib
    out.no_extra_bufts = not params.repack


def _set_parts(engine: ModuleType, out: Any, params: LaunchParams) -> None:
    out.lora_adapters = [engine.CommonAdapterLoraInfo(str(a.path), a.scale) for a in params.adapters]
    if params.projectors:
        out.mmproj.path = str(params.projectors[0])
    if params.draft is not None and params.draft_num_predict:
        out.speculative.types = [engine.common_speculative_type.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
        out.speculative.draft.mparams.path = str(params.draft)
        out.speculative.draft.n_max = params.draft_num_predict


def has_gpu(engine: ModuleType) -> bool:
    cpu = engine.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    return any(device["type"] != cpu for device in engine.get_device_info())


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends (Linux); elsewhere stdin tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _import_engine() -> ModuleType:
    # Here and not at the top, so that a missing system library becomes a `failed` line.
    import xllamacpp

    return xllamacpp


def _print_devices() -> int:
    devices = [
        {
            "name": str(device["name"]),
            "description": str(device["description"]),
            "free": int(device["memory_free"]),
            "total": int(device["memory_total"]),
            "kind": device["type"].name.removeprefix("GGML_BACKEND_DEVICE_TYPE_").lower(),
            "id": str(device["device_id"]),
        }
        for device in _import_engine().get_device_info()
    ]
    _say(devices)
    return 0


def _read_line(descriptor: int) -> bytes:
    """Unbuffered: the engine reads the same descriptor later on."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(descriptor, 65536)
        if not piece:
            os._exit(0)
        line += piece
    return line


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _say(message: object) -> None:
    os.write(1, msgspec.json.encode(message) + b"\n")


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # Not by sys.exit: taking the engine apart can block while a request is in flight.
    os._exit(status)
