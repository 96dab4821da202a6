"""`weakspot inspect hf:org/name`, against a hub of our own on loopback: what is fetched, and what is not."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="needs the [hub] extra")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = json.loads((Path(__file__).parent / "data" / "architectures.json").read_text("utf-8"))
FILES = {
    "config.json": json.dumps(next(row["config"] for row in CONFIG if row["name"] == "Qwen3 8B")).encode(),
    "model.safetensors": b"these bytes are never asked for",
    "pytorch_model.bin": b"nor these",
    "modeling_own.py": b"raise SystemExit('code of a hub was run')",
}


class Hub(BaseHTTPRequestHandler):
    """The calls that a snapshot needs: the files of a revision (versions ask in two ways), and a file of a commit."""

    asked: tuple[str, ...] = ()

    def do_GET(self) -> None:
        """A list or a file."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Its size and hash alone."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/org/tiny/revision/"):
            listed = {"id": "org/tiny", "sha": COMMIT, "siblings": [{"rfilename": name} for name in FILES]}
            self._send(json.dumps(listed).encode(), body=body)
        elif path.startswith("/api/models/org/tiny/tree/"):
            oids = {name: hashlib.sha1(data, usedforsecurity=False).hexdigest() for name, data in FILES.items()}
            rows = [{"type": "file", "path": n, "size": len(d), "oid": oids[n]} for n, d in FILES.items()]
            self._send(json.dumps(rows).encode(), body=body)
        elif path.startswith(f"/org/tiny/resolve/{COMMIT}/"):
            name = path.rpartition("/")[2]
            Hub.asked = (*Hub.asked, name)
            self._send(FILES[name], body=body)
        else:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send(self, data: bytes, *, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def hub() -> Iterator[str]:
    """The hub's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Hub.asked = ()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def inspected(address: str, home: Path, name: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: the hub's address is read when the library is imported."""
    left_out = ("HF_HUB_OFFLINE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    environment |= {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, "-m", "weakspot", "inspect", f"hf:{name}", "--context", "8192", "--json"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )


def test_a_hub_id_is_inspected_by_what_describes_it(hub: str, tmp_path: Path) -> None:
    """The configuration is fetched and gives the card; weights, pickles and code stay where they are."""
    done = inspected(hub, tmp_path, "org/tiny")
    assert done.returncode == 0, done.stderr
    [model] = json.loads(done.stdout)["models"]
    assert model["layers"] == 36
    assert model["kv_heads"] == 8
    assert model["parameters"] == 8_190_735_360
    assert set(Hub.asked) == {"config.json"}


def test_a_hub_that_knows_no_such_model_is_told(hub: str, tmp_path: Path) -> None:
    """A name that the hub does not know gives one sentence, a hint and the exit code for what could not be fetched."""
    done = inspected(hub, tmp_path, "org/other")
    assert done.returncode == 6
    assert "org/other could not be fetched from the hub" in done.stderr
    assert "Traceback" not in done.stderr
