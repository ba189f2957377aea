from __future__ import annotations

from corral.engine.log import EngineLog

LOADING = b"""0.00.1 I load_tensors:        CUDA0 model buffer size =   812.50 MiB
0.00.2 I load_tensors:   CPU_Mapped model buffer size =     7.51 MiB
0.00.3 I llama_kv_cache:      CUDA0 KV buffer size =     4.00 MiB
0.00.4 I sched_reserve:      CUDA0 compute buffer size =     8.00 MiB
0.00.5 I sched_reserve:  CUDA_Host compute buffer size =    16.02 MiB
"""


def fed(*pieces: bytes) -> EngineLog:
    log = EngineLog()
    for piece in pieces:
        log.feed(piece)
    return log


def test_buffers_on_devices_are_added_up_wherever_the_text_is_cut():
    for at in range(0, len(LOADING), 7):
        assert fed(LOADING[:at], LOADING[at:]).device_bytes() == int(824.5 * (1 << 20))


def test_only_the_end_is_kept():
    log = fed(*[b"%06d\n" % n for n in range(20_000)])
    lines = log.tail().splitlines()
    assert (len(lines), lines[-1]) == (60, "019999")


def test_the_reason_is_the_engine_s_own():
    assert fed(
        b"0.1 E llama_model_load: error loading model: unknown model architecture: 'x'\n"
    ).reason() == ("unknown model architecture: 'x'")
    vague = b"0.2 E llama_model_load: error loading model: llama_model_loader: failed to load model from x\n"
    first = b"0.1 E gguf_init_from_reader: invalid magic characters: 'NOPE', expected 'GGUF'\n"
    assert fed(first, vague).reason() == "invalid magic characters: 'NOPE', expected 'GGUF'"
    assert fed(b"0.1 I all is well\n").reason() == ""
