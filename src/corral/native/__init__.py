"""Engines that are compiled on this machine: fetched, built, checked, kept, chosen.

In: a `Target` (the processor alone, or a kind of accelerator) and the settings. Out: a `llama-server` program
under `CORRAL_HOME/engines` that does what the packaged engine does, and the answer to which engine is in use.
The command line builds and chooses; the server asks `in_use` before every load.
"""

from corral.native.build import Plan, Stage, build, built_program, clean, describe_build
from corral.native.check import Outcome, check, passed, probe
from corral.native.shelf import PACKAGED, Choice, Engine, Shelf, in_use, program_in_use, uses_amx
from corral.native.source import DEFAULT_INDEX, PINNED, Source
from corral.native.target import Target, detect_target, missing

__all__ = [
    "DEFAULT_INDEX",
    "PACKAGED",
    "PINNED",
    "Choice",
    "Engine",
    "Outcome",
    "Plan",
    "Shelf",
    "Source",
    "Stage",
    "Target",
    "build",
    "built_program",
    "check",
    "clean",
    "describe_build",
    "detect_target",
    "in_use",
    "missing",
    "passed",
    "probe",
    "program_in_use",
    "uses_amx",
]
