"""Runs the check list against a GGUF file through the engine and prints "N of M exact" per category.

    python check.py ../../src/corral/pocket/pocket.gguf --results results.json
    python check.py --url http://127.0.0.1:8080       # a server that already runs the model

Needs xllamacpp for the first form. Exit code 1 when a category is below --least percent.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from checklist import Item, checklist

SLOTS, SLOT_TOKENS = 4, 2048
START_S, ANSWER_S = 60.0, 120.0
# The child: the engine's own server on a unix socket; it lives until its stdin ends.
SERVE = """
import os, sys, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.hostnames, threads, slots, size = sys.argv[1], [sys.argv[2]], *map(int, sys.argv[3:])
p.ui = p.warmup = p.fit_params = p.kv_unified = False
p.n_parallel, p.n_ctx, p.n_batch, p.n_ubatch = slots, slots * size, 512, 512
p.verbosity, p.cache_ram_mib = 1, 0
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = threads
server = xllamacpp.Server(p)
print("ready", flush=True)
sys.stdin.read()
os._exit(0)
"""


class RefusedError(Exception):
    """The server did not accept the request, or what the model wrote could not be parsed: a miss."""


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@dataclass(slots=True)
class Answer:
    content: str = ""
    thought: str = ""
    calls: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Server:
    url: str  # http://host:port, or unix:/path

    def post(self, path: str, body: dict[str, object]) -> bytes:
        parts = urlsplit(self.url)
        if parts.scheme == "unix":
            connection: http.client.HTTPConnection = SocketConnection(parts.path)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWER_S)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        if response.status != 200:
            raise RefusedError(f"{response.status}: {data.decode()}")
        return data

    def ask(self, item: Item) -> Answer:
        body: dict[str, object] = {
            "model": "pocket",
            "messages": item.messages, "temperature": item.heat, "max_tokens": 160, "seed": 7,
            "stream": item.stream, "chat_template_kwargs": {"enable_thinking": item.thinking},
        }  # fmt: skip
        if item.tools:
            body |= {"tools": item.tools, "parallel_tool_calls": True}
        try:
            data = self.post("/v1/chat/completions", body)
        except RefusedError as refusal:
            return Answer(content=f"(no answer: {refusal})")
        return _joined(data) if item.stream else _whole(data)


def _whole(data: bytes) -> Answer:
    message = json.loads(data)["choices"][0]["message"]
    calls = [call["function"] for call in message.get("tool_calls") or []]
    return Answer(message.get("content") or "", message.get("reasoning_content") or "", calls)


def _joined(data: bytes) -> Answer:
    """The answer put together from the events of a stream."""
    answer = Answer()
    for line in data.decode().splitlines():
        if not line.startswith("data: {"):
            continue
        # An event without choices tells of an error: the answer stays short and counts as a miss.
        for choice in json.loads(line[6:]).get("choices", []):
            _add(answer, choice["delta"])
    return answer


def _add(answer: Answer, delta: dict) -> None:
    answer.content += delta.get("content") or ""
    answer.thought += delta.get("reasoning_content") or ""
    for call in delta.get("tool_calls") or []:
        while len(answer.calls) <= call["index"]:
            answer.calls.append({"name": "", "arguments": ""})
        for key in ("name", "arguments"):
            answer.calls[call["index"]][key] += call["function"].get(key) or ""


@contextmanager
def engine(model: Path, threads: int) -> Iterator[Server]:
    """A child that serves `model` on a unix socket for as long as the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/engine.sock"
        numbers = [str(n) for n in (threads, SLOTS, SLOT_TOKENS)]
        child = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(model), path, *numbers],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "GOMP_SPINCOUNT": "1000"},
        )  # fmt: skip
        try:
            assert child.stdout is not None
            if child.stdout.readline().strip() != "ready":
                raise RuntimeError("the engine did not start; see above")
            yield Server(f"unix:{path}")
        finally:
            child.kill()
            child.wait()


def exact(item: Item, answer: Answer) -> bool:
    if bool(answer.thought) != item.thinking:
        return False
    if not item.calls:
        return not answer.calls and answer.content == item.content
    try:
        return [(call["name"], json.loads(call["arguments"])) for call in answer.calls] == item.calls
    except json.JSONDecodeError:
        return False


def run(server: Server, items: list[Item], show: int) -> dict[str, dict[str, list[int]]]:
    """{category: {column: [exact, asked]}}; the first `show` misses are printed."""
    table: dict[str, dict[str, list[int]]] = {}
    shown: Counter[str] = Counter()
    with ThreadPoolExecutor(SLOTS) as pool:
        for item, answer in zip(items, pool.map(server.ask, items), strict=True):
            right = exact(item, answer)
            column = f"{'thinking' if item.thinking else 'plain'} {item.heat:g}"
            cell = table.setdefault(item.category, {}).setdefault(column, [0, 0])
            cell[0] += right
            cell[1] += 1
            if not right and shown[item.category] < show:
                shown[item.category] += 1
                print(f"miss [{item.category}, {column}] {item.messages[-1]['content']!r} -> {answer}")
    return table


COLUMNS = ("plain 0", "thinking 0", "plain 0.8", "thinking 0.8")


def markdown(table: dict[str, dict[str, list[int]]]) -> str:
    """Rows of "N of M" exact answers: greedy and at 0.8, without and with thinking."""
    lines = ["| category | greedy | greedy, thinking | at 0.8 | at 0.8, thinking |", "|---|---|---|---|---|"]
    for category, cells in table.items():
        columns = [f"{cells[c][0]} of {cells[c][1]}" if c in cells else "-" for c in COLUMNS]
        lines.append(f"| {category} | {' | '.join(columns)} |")
    return "\n".join(lines)


def lowest(table: dict[str, dict[str, list[int]]]) -> float:
    shares = [
        sum(c[0] for c in cells.values()) / sum(c[1] for c in cells.values()) for cells in table.values()
    ]
    return 100 * min(shares)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--url", help="ask this server instead of starting the engine")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="ask only every n-th item")
    parser.add_argument("--show", type=int, default=2, help="misses to print per category")
    parser.add_argument("--least", type=float, default=0.0, help="fail below this percentage in any category")
    parser.add_argument("--results", type=Path, help="write the table as JSON here")
    options = parser.parse_args()
    items, started = checklist()[:: options.every], time.monotonic()
    if options.url:
        table = run(Server(options.url), items, options.show)
    elif options.model:
        with engine(options.model, options.threads) as server:
            table = run(server, items, options.show)
    else:
        parser.error("name a GGUF file or a --url")
    print(markdown(table))
    print(f"{len(items)} prompts in {time.monotonic() - started:.0f} s")
    if options.results:
        options.results.write_text(json.dumps(table, indent=1) + "\n")
    return 0 if lowest(table) >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
