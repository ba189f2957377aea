"""HTTPS with a certificate that the server makes for itself: corral trusts it, others must be told."""

import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.helpers.server import ServerProcess, end, wait_until

pytestmark = pytest.mark.slow


class SecureServer(ServerProcess):
    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()
        return "Listening on" in self.log.read_text()


@pytest.fixture
def server(tmp_path):
    running = SecureServer(tmp_path, env={"CORRAL_TLS": "self-signed"})
    running.env["OLLAMA_HOST"] = f"https://127.0.0.1:{running.port}"
    yield running.start()
    end(running)


def test_a_server_with_its_own_certificate_is_reached_over_https_alone(server):
    listed = subprocess.run(
        [sys.executable, "-m", "corral.cli", "list"],
        env=server.env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (listed.returncode, listed.stderr) == (0, "")
    url = f"https://127.0.0.1:{server.port}/api/version"
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(url, timeout=20)
    trusting = ssl.create_default_context(cafile=server.folder / "corral" / "tls" / "cert.pem")
    with urllib.request.urlopen(url, timeout=20, context=trusting) as answer:
        assert "version" in json.load(answer)
    with pytest.raises(OSError, match=r".+"):
        server.request("GET", "/api/version", timeout_s=20)
    assert server.stop() == 0
    wait_until(lambda: server.process.poll() is not None)
