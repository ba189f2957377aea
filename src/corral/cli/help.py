"""The help texts, printed from the table in `spec`. Layout: cli.md section 2."""

from __future__ import annotations

from corral.cli.spec import COMMANDS, ENVIRONMENT, HELP, ROOT, Command, Flag


def help_text(command: Command, program: str) -> str:
    """The whole help of a command, or of the program for ROOT."""
    details = f"{command.details}\n\n" if command.details else ""
    return f"{command.summary}\n\n{details}{usage_text(command, program)}"


def usage_text(command: Command, program: str) -> str:
    """The help without its first line."""
    sections = [_usage(command, program)]
    if command.aliases:
        sections.append(f"Aliases:\n  {', '.join((command.name, *command.aliases))}\n")
    if command is ROOT:
        sections.append(_commands())
    if command.actions:
        sections.append(_actions(command.actions))
    sections.append(_flags(command, program))
    if command.env:
        sections.append(_environment(command.env))
    if command is ROOT:
        sections.append(f'Use "{program} [command] --help" for more information about a command.\n')
    return "\n".join(sections)


def _usage(command: Command, program: str) -> str:
    if command is ROOT:
        return f"Usage:\n  {program} [flags]\n  {program} [command]\n"
    words = [program, command.name, command.usage, "[flags]"]
    return f"Usage:\n  {' '.join(word for word in words if word)}\n"


def _commands() -> str:
    rows = [f"  {command.name:<11}  {command.summary}\n" for command in COMMANDS if not command.hidden]
    return "Available Commands:\n" + "".join(rows)


def _actions(actions: tuple[tuple[str, str], ...]) -> str:
    return "Actions:\n" + "".join(f"  {name:<11}  {summary}\n" for name, summary in actions)


def _flags(command: Command, program: str) -> str:
    own_help = Flag(HELP.name, f"help for {command.name or program}", short=HELP.short)
    flags = sorted((*command.flags, own_help), key=lambda flag: flag.name)
    labels = [_flag_label(flag) for flag in flags]
    width = max(map(len, labels)) + 3
    rows = [f"{label:<{width}}{flag.help}\n" for label, flag in zip(labels, flags, strict=True)]
    return "Flags:\n" + "".join(rows)


def _flag_label(flag: Flag) -> str:
    name = f"  -{flag.short}, --{flag.name}" if flag.short else f"      --{flag.name}"
    if flag.kind != "bool":
        name += " string..." if flag.kind == "list" else f" {flag.kind}"
    return name + (f'[="{flag.bare}"]' if flag.bare else "")


def _environment(names: tuple[str, ...]) -> str:
    rows = "".join(f"      {name:<27}   {ENVIRONMENT[name]}\n" for name in names)
    return f"Environment Variables (each also under its OLLAMA_ name):\n{rows}"
