"""`engine`: build an engine for this machine, list what there is, choose, check and remove."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from corral import pocket
from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.progress import Display
from corral.cli.table import print_table
from corral.core.units import human_time
from corral.engine import describe
from corral.errors import LoadError
from corral.native import (
    DEFAULT_INDEX,
    PACKAGED,
    PINNED,
    Choice,
    Engine,
    Outcome,
    Plan,
    Shelf,
    Stage,
    Target,
    build,
    built_program,
    check,
    clean,
    describe_build,
    detect_target,
    in_use,
    passed,
    probe,
)

_HEADER = ("NAME", "VERSION", "FEATURES", "DEVICES", "BUILT", "USED")
_TARGETS = (Target.CPU, Target.CUDA, Target.HIP, Target.VULKAN)
_SHOWN_FEATURES = 5  # the last ones, which are the newest
_NOT_OF_THE_PROCESSOR = frozenset({"LLAMAFILE", "OPENMP", "REPACK", "ACCELERATE", "USE_GRAPHS", "NO_VMM"})


def run(call: Invocation) -> int:
    action, *names = call.args
    shelf = Shelf(call.settings.home)
    match action, names:
        case "build", []:
            return _build(call, shelf)
        case "list", []:
            _list(call, shelf)
        case "check", ([] | [_]):
            return _check(call, shelf, names[0] if names else "")
        case "use", [name]:
            shelf.choose(name)
            _tell_use(call)
        case "rm", [name]:
            chosen = shelf.remove(name)
            print(f"removed engine '{name}'" + ("; the packaged one is used now" if chosen else ""))
        case _:
            argument = {"use": " NAME", "rm": " NAME", "check": " [NAME]"}.get(action, "")
            raise CommandError(f"usage: {call.program} engine {action}{argument}")
    return 0


def _build(call: Invocation, shelf: Shelf) -> int:
    """Build, check, and only then put it where it can be used."""
    plan = _plan(call)
    weights = _weights()
    began = time.monotonic()
    with Display() as display:
        _show_stages(build(plan), display)
        program = built_program(plan)
        display.spinner("checking")
        outcomes = asyncio.run(_all(check(program, weights)))
        if not passed(outcomes):
            display.clear()
            _print_outcomes(outcomes)
            raise CommandError(
                f"the engine was built, but fails its checks, and is not used: {program}",
                hint=f"the log of the build: {plan.log}",
            )
        found = asyncio.run(probe(program, weights))
    seconds = time.monotonic() - began
    engine = describe_build(plan, seconds, found)
    shelf.add(engine, program)
    clean(plan)
    print(f"built engine '{engine.name}' in {seconds:.0f} s; it passed {len(outcomes)} checks")
    if call.is_set("no-use"):
        print(f"use it with: {call.program} engine use {engine.name}")
    else:
        shelf.choose(engine.name)
        _tell_use(call)
    return 0


def _plan(call: Invocation) -> Plan:
    named = [target for target in _TARGETS if call.is_set(target)]
    if len(named) > 1:
        raise CommandError(f"one of these at a time: {', '.join(f'--{target}' for target in named)}")
    if "jobs" in call.flags and call.number("jobs") < 1:
        raise CommandError("--jobs must be at least 1")
    return Plan(
        target=named[0] if named else detect_target(),
        source=PINNED,
        index=call.settings.package_index or DEFAULT_INDEX,
        home=call.settings.home.absolute(),
        archive=Path(call.text("source")) if call.is_set("source") else None,
        jobs=call.number("jobs"),
    )


def _show_stages(stages: Iterable[Stage], display: Display) -> None:
    """A bar for bytes; for steps a line that counts them."""
    text = ""
    for stage in stages:
        if stage.in_bytes:
            if stage.text != text:
                bar = display.bar(stage.text, stage.total)
            display.update(bar, stage.done)
        elif stage.text != text:
            spinner = display.spinner(stage.text)
        if stage.total and not stage.in_bytes:
            spinner.message = f"{stage.text}: {stage.done} of {stage.total}"
        text = stage.text


def _list(call: Invocation, shelf: Shelf) -> None:
    choice = in_use(call.settings)
    engines = [*_given(call), *shelf.engines()]
    if call.is_set("json"):
        print_json(
            {
                "engines": [_record(engine, shelf, choice) for engine in engines],
                "used": {"name": choice.name, "why": choice.why, "fault": choice.fault},
            }
        )
        return
    print_table(_HEADER, [_row(engine, choice) for engine in engines])
    if choice.fault:
        print(f"\n{choice.fault}: the packaged engine is used")


def _given(call: Invocation) -> Iterable[Engine]:
    """The engines that were not built here: the packaged one, and the one that a setting names."""
    yield _described(PACKAGED, None)
    if call.settings.llama_server is not None:
        yield _described("llama_server", call.settings.llama_server)


def _described(name: str, program: Path | None) -> Engine:
    try:
        found = describe(program)
    except LoadError as error:
        return Engine(name=name, target="", source=str(program or ""), version=f"cannot be started: {error}")
    return Engine(
        name=name,
        target="",
        source=str(program or "xllamacpp"),
        version=found.version,
        features=found.features,
        devices=found.devices,
    )


def _record(engine: Engine, shelf: Shelf, choice: Choice) -> dict[str, object]:
    program = shelf.program(engine.name) if engine.target else engine.source
    return {
        "name": engine.name,
        "target": engine.target,
        "source": engine.source,
        "version": engine.version,
        "compiler": engine.compiler,
        "options": engine.options,
        "features": engine.features,
        "devices": engine.devices,
        "path": str(program),
        "built_at": engine.built_at,
        "seconds": engine.seconds,
        "fits_here": engine.fits_here,
        "used": engine.name == choice.name,
    }


def _row(engine: Engine, choice: Choice) -> tuple[str, ...]:
    vectors = [name for name in engine.features if name not in _NOT_OF_THE_PROCESSOR]
    shown = vectors[-_SHOWN_FEATURES:]
    return (
        engine.name,
        engine.version.removeprefix("llama-server version: "),
        ("… " if len(vectors) > len(shown) else "") + (" ".join(shown) or "-"),
        ", ".join(engine.devices) or "-",
        human_time(engine.built_at or None, time.time()) if engine.built_at else "-",
        f"yes: {choice.why}" if engine.name == choice.name else "-",
    )


def _check(call: Invocation, shelf: Shelf, name: str) -> int:
    """The checks on one engine, by default on the one in use. Exit status 1 where one fails."""
    choice = in_use(call.settings)
    program = choice.program
    if name and name != choice.name:
        program = None if name == PACKAGED else shelf.program(shelf.get(name).name)
    outcomes = asyncio.run(_all(check(program, _weights())))
    if call.is_set("json"):
        print_json({"name": name or choice.name, "passed": passed(outcomes), "checks": _plain(outcomes)})
    else:
        _print_outcomes(outcomes)
    return 0 if passed(outcomes) else 1


async def _all(outcomes: AsyncIterator[Outcome]) -> list[Outcome]:
    return [outcome async for outcome in outcomes]


def _plain(outcomes: Iterable[Outcome]) -> list[dict[str, object]]:
    return [{"name": o.name, "passed": not o.fault, "fault": o.fault, "seconds": o.seconds} for o in outcomes]


def _print_outcomes(outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        print(f"FAILED  {outcome.name}: {outcome.fault}" if outcome.fault else f"ok      {outcome.name}")


def _tell_use(call: Invocation) -> None:
    choice = in_use(call.settings)
    print(f"engine '{choice.name}' is used for every model that is loaded from now on: {choice.why}")
    if choice.fault:
        print(choice.fault)


def _weights() -> Path:
    weights = pocket.weights()
    if weights is None:
        raise CommandError("this installation has no packaged model, which the checks need")
    return weights
