"""The engine: llama.cpp in a child process, spoken to over its server's HTTP protocol.

In: LaunchParams, then typed requests. Out: a Process whose `client` yields pieces of text as they are made.
The scheduler starts and ends children; the serving road uses their clients. Only `worker`, which runs in the
child, imports native code.
"""

from corral.engine.child import begin
from corral.engine.client import Client
from corral.engine.describe import EngineBuild, describe, run_engine
from corral.engine.grammar import json_grammar, schema_grammar
from corral.engine.launch import Process, child_environment, start, sweep_folders
from corral.engine.params import Adapter, LaunchParams, Lookup, native_arguments
from corral.engine.pieces import Chunk, Finish, PrefillProgress, TextPiece, ToolCallDelta
from corral.engine.plain_schema import plain_schema
from corral.engine.requests import ChatCompletion, Completion, Sampling
from corral.engine.worker import die_with_parent

__all__ = [
    "Adapter",
    "ChatCompletion",
    "Chunk",
    "Client",
    "Completion",
    "EngineBuild",
    "Finish",
    "LaunchParams",
    "Lookup",
    "PrefillProgress",
    "Process",
    "Sampling",
    "TextPiece",
    "ToolCallDelta",
    "begin",
    "child_environment",
    "describe",
    "die_with_parent",
    "json_grammar",
    "native_arguments",
    "plain_schema",
    "run_engine",
    "schema_grammar",
    "start",
    "sweep_folders",
]
