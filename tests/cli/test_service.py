from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from corral.cli.service import Service, launchd_agent, systemd_unit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the service manager is another one")

SERVICE = Service(
    ["/usr/bin/python3", "-m", "corral.cli", "serve"], {"OLLAMA_MODELS": '/a "b" 5%'}, Path("/l")
)


def unit(tmp_path: Path) -> Path:
    return tmp_path / ".config" / "systemd" / "user" / "corral.service"


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """A service manager that notes what it is told; it refuses while the file `broken` is there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "systemctl"
    script.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n'
        f"[ ! -e {tmp_path}/broken ] || {{ echo no bus >&2; exit 1; }}\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path / "told"


def test_a_unit_quotes_what_systemd_would_replace():
    text = systemd_unit(SERVICE).decode()
    assert "ExecStart=/usr/bin/python3 -m corral.cli serve\n" in text
    assert 'Environment="OLLAMA_MODELS=/a \\"b\\" 5%%"\n' in text


def test_systemd_itself_finds_no_fault_in_a_unit(tmp_path):
    tool = shutil.which("systemd-analyze") or pytest.skip("systemd-analyze is not installed")
    path = tmp_path / "corral.service"
    path.write_bytes(systemd_unit(Service([sys.executable, "serve"], {"A": "b c"}, Path("/l"))))
    done = subprocess.run(
        [tool, "verify", str(path)], capture_output=True, text=True, check=False, timeout=30
    )
    assert [line for line in done.stderr.splitlines() if "corral.service" in line] == []


def test_an_agent_of_launchd_says_the_same():
    agent = plistlib.loads(launchd_agent(SERVICE))
    assert agent["ProgramArguments"] == SERVICE.command
    assert agent["EnvironmentVariables"] == SERVICE.env
    assert agent["KeepAlive"] == {"SuccessfulExit": False}


def test_a_service_is_installed_and_removed_again(systemctl, corral, tmp_path):
    assert corral("service", "install").status == 0
    assert 'Environment="OLLAMA_HOST=127.0.0.1:' in unit(tmp_path).read_text()
    assert corral("service", "uninstall").status == 0
    assert not unit(tmp_path).exists()
    assert systemctl.read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable --now corral.service",
        "--user disable --now corral.service",
    ]


def test_an_installation_that_fails_leaves_nothing_behind(systemctl, corral, tmp_path):
    (tmp_path / "broken").touch()
    outcome = corral("service", "install")
    assert outcome.err == "Error: systemctl --user daemon-reload failed: no bus\n"
    assert (outcome.status, unit(tmp_path).exists()) == (1, False)


def test_without_a_service_manager_nothing_is_written(corral, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    outcome = corral("service", "install")
    assert "systemctl is not on this machine" in outcome.err
    assert not unit(tmp_path).exists()


def test_the_description_can_be_read_first(corral, monkeypatch, tmp_path):
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")
    shown = corral("service", "show").out
    assert "[Service]" in shown
    assert "secret" not in shown
    assert not unit(tmp_path).exists()


def test_what_is_not_installed_cannot_be_removed(systemctl, corral):
    assert corral("service", "uninstall").err.startswith("Error: no service is installed: ")
