"""Keeps one throw-away PostgreSQL alive for as long as its own standard input stays open.

It is a process of its own, because nothing in the process that runs the tests survives `kill -9`: when that process
goes, however it goes, the pipe closes, and the keeper stops the server and removes its files.

Usage: `python postgresql_keeper.py FOLDER_OF_BINARIES [OPTION...]`. Options:
  durable         keep PostgreSQL's own defaults, for benchmarks
  followed        let replicas follow this server
  follows=FOLDER  be a replica of the server whose socket is in this folder
Prints the folder of the server's socket once it answers.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

START_SECONDS = 30
DURABLE = {"shared_buffers": "512MB", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
REPLICATED = {"wal_level": "replica", "max_wal_senders": "4", "synchronous_commit": "on", "shared_buffers": "32MB"}
FOLLOWS = "follows="
STATUS_LINE = 7  # of postmaster.pid, counted from 0
SETTINGS = {
    "listen_addresses": "",  # the socket only: no port to clash over
    "max_connections": "120",
    "shared_buffers": "64MB",
    "fsync": "off",  # what these databases hold is not worth a disk's time
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "Asia/Kathmandu",  # a query that leans on the server's time zone shows itself
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}


def ordinary_user() -> dict[str, Any]:
    """How a child process is started as somebody else: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    chosen = known.get("postgres") or known.get("nobody") or next(iter(known.values()))
    return {"user": chosen.pw_uid, "group": chosen.pw_gid, "extra_groups": []}


class Keeper:
    """The server and its folder."""

    def __init__(self, binaries: Path, *options: str) -> None:
        self.follows = next((word.removeprefix(FOLLOWS) for word in options if word.startswith(FOLLOWS)), None)
        self.settings = SETTINGS | (REPLICATED if self.follows or "followed" in options else {})
        self.settings |= DURABLE if "durable" in options else {}
        self.folder = Path(tempfile.mkdtemp(prefix="afterglow-pg-", dir=_short_temporary_folder()))
        self.data = self.folder / "data"
        self.as_user = ordinary_user()
        if self.as_user:
            os.chown(self.folder, self.as_user["user"], self.as_user["group"])
        self.folder.chmod(0o755)
        self.binaries = self._within_reach(binaries)
        self.server: subprocess.Popen[bytes] | None = None

    def _options(self) -> dict[str, Any]:
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "LC_ALL": "C", "TZ": "UTC"}
        return {"cwd": self.folder, "env": environment, "stdin": subprocess.DEVNULL, **self.as_user}

    def _within_reach(self, binaries: Path) -> Path:
        """The binaries, copied when the ordinary user may not enter the folder they are in (a clone under /root)."""
        try:
            subprocess.run(
                [binaries / "postgres", "--version"], check=True, stdout=subprocess.DEVNULL, **self._options()
            )
        except PermissionError:
            return self._copied(binaries)
        return binaries

    def _copied(self, binaries: Path) -> Path:
        """The wheel keeps the libraries of `package/pginstall/bin` in `package.libs`, and finds them by that path."""
        package = binaries.parent.parent
        libraries = package.with_name(f"{package.name}.libs")
        copy = self.folder / "copied"
        shutil.copytree(binaries.parent, copy / package.name / binaries.parent.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        return copy / package.name / binaries.parent.name / binaries.name

    def start(self) -> None:
        """Make an empty cluster, or a copy of the one to follow, and serve it."""
        with (self.folder / "log").open("wb") as log:
            made = subprocess.run(self._making(), check=False, stdout=log, stderr=log, **self._options())
            if made.returncode:
                self._give_up("its files could not be made")
            settings = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
            self.server = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, "-k", self.folder, *settings],
                stdout=log,
                stderr=log,
                **self._options(),
            )
        self._wait_until_it_answers(self.server)

    def _making(self) -> list[str | Path]:
        """The command that makes the server's files."""
        where = [f"--pgdata={self.data}", "--username=postgres", "--no-sync"]
        if self.follows is not None:
            how = [f"--host={self.follows}", "--checkpoint=fast", "--write-recovery-conf"]
            return [self.binaries / "pg_basebackup", *where, *how]
        return [self.binaries / "initdb", *where, "--auth=trust", "--locale=C", "--encoding=UTF8"]

    def _wait_until_it_answers(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if server.poll() is not None:
                self._give_up("the server ended at once")
            lines = self._status_file()
            if len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready":
                return
            time.sleep(0.01)
        self._give_up(f"the server did not answer within {START_SECONDS} seconds")

    def _status_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _give_up(self, reason: str) -> None:
        log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        sys.exit(f"PostgreSQL for the tests could not be started from {self.binaries}: {reason}\n{log}")

    def stop(self) -> None:
        """End the server without ceremony and remove its files."""
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGQUIT)  # immediate: nothing in it will be read again
            try:
                self.server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _short_temporary_folder() -> str | None:
    """A socket's path may have about 100 characters, and TMPDIR may have more."""
    return "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108  mkdtemp makes the folder, with a name nobody can guess


def main(binaries: str, *options: str) -> None:
    """Serve until standard input closes."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C ends the tests; closing the pipe ends this
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keeper = Keeper(Path(binaries), *options)
    try:
        keeper.start()
        print(keeper.folder, flush=True)
        sys.stdin.buffer.read()
    finally:
        keeper.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
