#!/usr/bin/env python3
"""The command line of a native `llama-server`, as far as Corral uses it, around the real packaged engine.

It lets the way to a native server be tested where none is installed: same flags, same protocol.
"""

from __future__ import annotations

import argparse
import threading

import xllamacpp

_LOOKUP = ("match", "min", "max")


def main() -> None:
    parser = argparse.ArgumentParser()
    for flag in ("--model", "--host"):
        parser.add_argument(flag, required=True)
    for flag in ("--ctx-size", "--parallel", "--batch-size", "--ubatch-size", "--threads", "--threads-batch"):
        parser.add_argument(flag, type=int, required=True)
    parser.add_argument("--slot-save-path", required=True)
    parser.add_argument("--device", choices=["none"])
    # Known to the real program, and of no consequence for what the tests do with this one.
    for flag in ("--load-mode", "--split-mode", "--lora-scaled", "--mmproj", "--flash-attn"):
        parser.add_argument(flag)
    for flag in ("--spec-type", "--spec-draft-model", "--spec-draft-n-max", "--main-gpu"):
        parser.add_argument(flag)
    for flag in ("--cache-type-k", "--cache-type-v", *(f"--spec-ngram-mod-n-{end}" for end in _LOOKUP)):
        parser.add_argument(flag)
    parser.add_argument("--reranking", action="store_true")
    for flag in ("--cache-ram", "--n-gpu-layers", "--log-verbosity"):
        parser.add_argument(flag, type=int, default=0)
    switches = ("--no-repack", "--embeddings", "--context-shift", "--no-context-shift")
    for flag in (*switches, "--jinja", "--no-warmup", "--no-ui", "--no-kv-unified", "--no-prefill-assistant"):
        parser.add_argument(flag, action="store_true")
    args = parser.parse_args()
    p = xllamacpp.CommonParams()
    p.model.path, p.hostnames = args.model, [args.host]
    p.n_ctx, p.n_parallel, p.kv_unified = args.ctx_size, args.parallel, False
    p.n_batch, p.n_ubatch = args.batch_size, args.ubatch_size
    p.cpuparams.n_threads, p.cpuparams_batch.n_threads = args.threads, args.threads_batch
    p.cache_ram_mib, p.embedding, p.ctx_shift = args.cache_ram, args.embeddings, args.context_shift
    p.verbosity, p.prefill_assistant = args.log_verbosity, not args.no_prefill_assistant
    p.slot_save_path = args.slot_save_path
    p.ui, p.warmup, p.fit_params = False, False, False
    server = xllamacpp.Server(p)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
