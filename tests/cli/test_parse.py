from __future__ import annotations

import pytest

from corral.cli.parse import UsageError, parse


@pytest.mark.parametrize(
    ("line", "command", "args", "flags"),
    [
        ("list", "list", (), {}),
        ("ls pre", "list", ("pre",), {}),
        ("start", "serve", (), {}),
        ("run m --format=json hello", "run", ("m", "hello"), {"format": "json"}),
        ("run m --format json hello", "run", ("m", "hello"), {"format": "json"}),
        ("run m --think high", "run", ("m", "high"), {"think": "true"}),
        ("run m --think=high", "run", ("m",), {"think": "high"}),
        ("run --verbose m -- --not-a-flag", "run", ("m", "--not-a-flag"), {"verbose": True}),
        ("--verbose run m", "run", ("m",), {"verbose": True}),
        ("run m --truncate=false", "run", ("m",), {"truncate": False}),
        ("run m --dimensions 0x10", "run", ("m",), {"dimensions": 16}),
        ("run m --dimensions=010", "run", ("m",), {"dimensions": 8}),
        ("create m -fFile", "create", ("m",), {"file": "File"}),
        ("create m -f File", "create", ("m",), {"file": "File"}),
        ("create m -f=File -qq4_0", "create", ("m",), {"file": "File", "quantize": "q4_0"}),
        ("show m -v=F", "show", ("m",), {"verbose": False}),
        ("show m --license=false --license", "show", ("m",), {"license": True}),
        (
            "tune m --data a --data=b --epochs 1.5",
            "tune",
            ("m",),
            {"data": ("a", "b"), "epochs": 1.5},
        ),
        ("run m -", "run", ("m", "-"), {}),
        ("show --help", "show", (), {"help": True}),
        ("-v", "", (), {"version": True}),
    ],
)
def test_a_command_line_is_understood(line, command, args, flags):
    parsed = parse(line.split(), "corral")
    assert (parsed.command.name, parsed.args, parsed.flags) == (command, args, flags)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("cp a", "accepts 2 arg(s), received 1"),
        ("serve x", "accepts 0 arg(s), received 1"),
        ("rm", "requires at least 1 arg(s), only received 0"),
        ("list --nope", "unknown flag: --nope"),
        ("list -x", "unknown shorthand flag: 'x' in -x"),
        ("create m -vf", "unknown shorthand flag: 'v' in -vf"),
        ("run m --keepalive", "flag needs an argument: --keepalive"),
        ("create m -f", "flag needs an argument: 'f' in -f"),
        ("list --=x", "bad flag syntax: --=x"),
        ("nonsense", 'unknown command "nonsense" for "corral"'),
        ("Pll", 'unknown command "Pll" for "corral"\n\nDid you mean this?\n\tpull\n\tps\n\tplan\n'),
        (
            "show m --verbose=maybe",
            'invalid argument "maybe" for "-v, --verbose" flag: '
            'strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (
            "run m --dimensions x",
            'invalid argument "x" for "--dimensions" flag: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (
            "run m --dimensions 99999999999999999999",
            'invalid argument "99999999999999999999" for "--dimensions" flag: '
            'strconv.ParseInt: parsing "99999999999999999999": value out of range',
        ),
    ],
)
def test_a_wrong_command_line_is_refused_in_the_known_words(line, message):
    with pytest.raises(UsageError) as caught:
        parse(line.split(), "corral")
    assert caught.value.message == message
