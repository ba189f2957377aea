"""The child process: one loaded model behind llama.cpp's own HTTP server. The only module with native code.

Reads one JSON line, a `Start`, from stdin; answers on stdout with one line, `ready ADDRESS` or
`failed REASON`; and ends when stdin reaches its end, so it never outlives its parent. With the argument
`--describe` it only writes what the engine was built for, as one JSON line.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from corral.engine.params import LaunchParams, batch_for, guesses_for, states_at


class Start(msgspec.Struct, frozen=True):
    """The first line on stdin."""

    params: LaunchParams
    socket: str


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent ends, however it ends (Linux; elsewhere stdin tells)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def write_for_owner_alone() -> None:
    """What this process writes, states of slots, is as private as the prompts in them."""
    os.umask(0o077)


def common_params(xllamacpp: Any, params: LaunchParams, socket: str) -> Any:
    """llama.cpp's parameters. All attribute names of the package stand here: they change between releases."""
    p = xllamacpp.CommonParams()
    p.model.path = params.model
    p.hostnames = [socket]
    p.ui = False
    p.warmup = False
    p.verbosity = 4  # from here on the log tells what is allocated on each device
    p.use_jinja = True
    p.sse_ping_interval = 30
    p.n_threads_http = params.num_slots + 8
    p.endpoint_slots = False
    p.n_parallel = params.num_slots
    p.n_ctx = params.num_ctx * params.num_slots
    p.kv_unified = False  # a full shared pool fails every request in flight
    has_gpu = bool(_accelerators(xllamacpp))
    p.n_batch = p.n_ubatch = batch_for(params, has_gpu=has_gpu)
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = params.num_threads
    p.cache_ram_mib = params.cache_mib
    # Else each new request first copies what all idle slots hold, though they keep it.
    p.cache_idle_slots = False
    p.slot_save_path = states_at(params, Path(socket))
    p.ctx_shift = params.context_shift
    p.prefill_assistant = params.prefill
    p.n_gpu_layers = params.gpu_layers
    p.fit_params = params.gpu_layers != 0 and has_gpu
    p.no_extra_bufts = not params.repack
    p.embedding = params.embedding
    if params.reranking:
        p.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    modes = xllamacpp.llama_load_mode
    p.load_mode = modes.LLAMA_LOAD_MODE_MMAP if params.use_mmap else modes.LLAMA_LOAD_MODE_NONE
    p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(a.path, a.scale) for a in params.adapters]
    if params.main_gpu is not None:
        p.main_gpu = params.main_gpu
        p.split_mode = xllamacpp.llama_split_mode.LLAMA_SPLIT_MODE_NONE
    if params.projector:
        p.mmproj.path = params.projector
    kinds = xllamacpp.common_speculative_type
    guessers = []
    if params.lookup:
        found, most = p.speculative.ngram_mod, guesses_for(params, p.n_batch, params.lookup.most)
        found.n_match, found.n_min, found.n_max = params.lookup.match, min(params.lookup.least, most), most
        guessers.append(kinds.COMMON_SPECULATIVE_TYPE_NGRAM_MOD)
    if params.draft:
        p.speculative.draft.mparams.path = params.draft
        p.speculative.draft.n_max = guesses_for(params, p.n_batch, params.draft_num_predict)
        guessers.append(kinds.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE)
    if guessers:
        p.speculative.types = guessers
    if params.kv_cache_type:
        kind = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{params.kv_cache_type.upper()}")
        p.cache_type_k = p.cache_type_v = kind
    if params.flash_attention is not None:
        flash = xllamacpp.llama_flash_attn_type
        on, off = flash.LLAMA_FLASH_ATTN_TYPE_ENABLED, flash.LLAMA_FLASH_ATTN_TYPE_DISABLED
        p.flash_attn_type = on if params.flash_attention else off
    return p


def _accelerators(xllamacpp: Any) -> list[Any]:
    # The type is an IntEnum, whose text is its number: its name says what it is.
    return [device for device in xllamacpp.get_device_info() if not device["type"].name.endswith("_CPU")]


def _build(xllamacpp: Any) -> dict[str, object]:
    devices = [f"{device['name']} ({device['description']})" for device in _accelerators(xllamacpp)]
    version = f"llama.cpp in xllamacpp {xllamacpp.__version__}"
    return {"version": version, "system": xllamacpp.get_system_info(), "devices": devices}


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _flush_log(xllamacpp: Any) -> None:
    """The engine writes its log, and so the reason of a failure, in a thread that our end would cut off.

    The package has no word for it, but its library exports the function (by its C++ name).
    """
    with contextlib.suppress(AttributeError):
        library = ctypes.CDLL(xllamacpp.xllamacpp.__file__)
        log = library._Z15common_log_mainv
        log.restype = ctypes.c_void_p
        library._Z16common_log_flushP10common_log(ctypes.c_void_p(log()))


def _say(out: int, line: str) -> None:
    os.write(out, (line.replace("\n", " ") + "\n").encode())


def main() -> None:
    die_with_parent()
    write_for_owner_alone()
    # The engine keeps descriptor 1 for its progress messages and sends everything else to stderr.
    out = os.dup(1)
    if sys.argv[1:] == ["--describe"]:
        import xllamacpp  # a fault in it is for the parent to see

        _say(out, json.dumps(_build(xllamacpp)))
        return
    line = sys.stdin.buffer.readline()
    if not line:
        os._exit(0)
    start = msgspec.json.decode(line, type=Start)
    try:
        # Imported late: parameters are read, and the parent's death noticed, before 25 MB of native code.
        import xllamacpp
    except ImportError as error:
        _say(
            out,
            f"failed the engine cannot be loaded: {error} (on Debian: apt-get install libgomp1 libstdc++6)",
        )
        os._exit(1)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        server = xllamacpp.Server(common_params(xllamacpp, start.params, start.socket))
    except Exception as error:  # whatever native code raises: the parent is told, then we end
        _flush_log(xllamacpp)
        _say(out, f"failed {error}")
        os._exit(1)
    _say(out, f"ready {server.listening_address}")
    threading.Event().wait()


if __name__ == "__main__":
    main()
