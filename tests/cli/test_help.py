from __future__ import annotations

import pytest

from corral.cli.help import help_text
from corral.cli.spec import COMMANDS, ENVIRONMENT, ROOT, find_command
from corral.settings import read_settings


def test_the_help_of_a_command_has_its_sections_in_order():
    assert help_text(find_command("ls"), "corral") == (
        "List the models on this machine\n"
        "\n"
        "Usage:\n"
        "  corral list [PREFIX] [flags]\n"
        "\n"
        "Aliases:\n"
        "  list, ls\n"
        "\n"
        "Flags:\n"
        "  -h, --help   help for list\n"
        "      --json   Print the server's answer as JSON\n"
        "\n"
        "Environment Variables (each also under its OLLAMA_ name):\n"
        "      CORRAL_HOST                   Address of the server (default 127.0.0.1:11434)\n"
    )


def test_the_program_lists_what_can_be_called():
    text = help_text(ROOT, "corral")
    shown = [command.name for command in COMMANDS if f"  {command.name:<11}  {command.summary}\n" in text]
    assert shown == [command.name for command in COMMANDS if not command.hidden]


@pytest.mark.parametrize("words", [["run", "--help"], ["help", "run"], ["run", "x", "-h"]])
def test_help_can_be_asked_for_in_three_ways(corral, words):
    outcome = corral(*words)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == help_text(find_command("run"), "corral")


def test_an_unknown_topic_is_told_with_the_usage(corral):
    outcome = corral("help", "bogus")
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err.startswith("Unknown help topic [`bogus`]\nUsage:\n  corral [flags]\n")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_variable_of_a_command_is_explained_and_read(command):
    samples = {
        "HOST": "1.2.3.4",
        "NOPRUNE": "1",
        "SPECULATION": "0",
        "PRELOAD": "a,b",
        "DEBUG": "1",
        "KEEP_ALIVE": "1h",
        "LOAD_TIMEOUT": "1h",
    }
    default = read_settings({"HOME": "/h"})
    for name in command.env:
        short = name.removeprefix("CORRAL_")
        value = samples.get(short, "7")
        assert name in ENVIRONMENT
        assert read_settings({"HOME": "/h", name: value}) != default
        assert read_settings({"HOME": "/h", "OLLAMA_" + short: value}) != default
