"""Ways in which a model may try to get out of its sandbox: one table for tests and campaign."""

from collections.abc import Iterable

from podium.execution import sandbox

ESCAPES = {
    "read the answers": 'open(SOLUTION + "/solution.parquet", "rb").read(1)',
    "read the answers with Arrow's threads": 'pd.read_parquet(SOLUTION + "/solution.parquet")',
    "read the answers with another program": 'asked("cat", SOLUTION + "/solution.parquet")',
    "read the answers by a link": """
os.symlink(SOLUTION + "/solution.parquet", "link")
open("link", "rb").read(1)
""",
    "read the answers by a hard link": """
os.link(SOLUTION + "/solution.parquet", "hard")
open("hard", "rb").read(1)
""",
    "read the answers by another process's root": """
open(f"/proc/{PARENT}/root" + SOLUTION + "/solution.parquet", "rb").read(1)
""",
    "list the answers": "os.listdir(SOLUTION)",
    "read the simulator": "open(SIMULATOR).read(1)",
    "read the board": 'open(BOARD, "rb").read(1)',
    "write to the board": 'open(BOARD, "ab").write(b"x")',
    "remove the board": "os.remove(BOARD)",
    "read another team's submission": 'open(SUBMISSION, "rb").read(1)',
    "change the public data": 'open(PUBLIC + "/test.parquet", "ab").write(b"x")',
    "write beside the model": '(HERE / "new.py").write_text("x")',
    "change the model": 'open(__file__, "a").write("x")',
    "change an installed package": 'open(pd.__file__, "ab").close()',
    "read hidden files beside the model": '(HERE / ".secret").read_text()',
    "read the environment of the parent": 'open(f"/proc/{PARENT}/environ", "rb").read(1)',
    "read the memory of the parent": """
if ctypes.CDLL(None).ptrace(16, PARENT, None, None) < 0: raise OSError
""",
    "signal the parent": "os.kill(PARENT, 0)",
    "connect by TCP": 'socket.create_connection(("127.0.0.1", PORT), timeout=2)',
    "send by UDP": """
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", PORT))
""",
    "connect by an abstract socket": "socket.socket(socket.AF_UNIX).connect(ABSTRACT)",
    "connect to a service's socket": "socket.socket(socket.AF_UNIX).connect(SOCKET)",
    "use the kernel's keys": """
if ctypes.CDLL(None).syscall(KEYCTL, 0, -3, 0) < 0: raise OSError
""",
    "take memory that nobody counts": """
if ctypes.CDLL(None).shmget(0, 1 << 20, 0o1600) < 0: raise OSError
""",
    "read the names of other processes": 'open(f"/proc/{PARENT}/cmdline", "rb").read(1)',
    "mount": 'if ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None) < 0: raise OSError',
}
"""What each does is what it is called; it fails with `OSError` or `SubprocessError`.

It may use what `MODEL` imports, and the names that `reach` is given.
"""
GREEDY = {
    "forks": ("while os.fork(): pass\ntime.sleep(60)", "started more than 64 processes"),
    "forks of forks": (
        "while True: os.fork()",
        "started more than 64 processes|Resource temporarily unavailable",
    ),
    "memory": (
        "hoard = []\nwhile True: hoard.append(np.ones(1 << 22))",
        "limit of 400 MiB of memory",
    ),
    "memory of children": (
        "if not os.fork():\n    hoard = []\n    while True: hoard.append(np.ones(1 << 22))\n"
        "time.sleep(60)",
        "limit of 400 MiB of memory",
    ),
    "memory without a file": (
        "handle = os.memfd_create('x')\nwhile True: os.write(handle, bytes(1 << 20))",
        "limit of 400 MiB of memory",
    ),
    "shared memory": (
        "file = open('/dev/shm/x', 'wb')\nwhile True: file.write(bytes(1 << 20))",
        "limit of 400 MiB of memory|No space left",
    ),
    "removed files": (
        "kept = []\nfor i in range(10**6):\n    kept.append(open(str(i), 'wb', buffering=0))\n"
        "    os.remove(str(i))\n    kept[-1].write(bytes(1 << 20))",
        "wrote more than 64 MiB of files|Too many open files",
    ),
    "a sparse file": (
        "os.truncate(os.open('1-test.parquet', os.O_CREAT | os.O_RDWR), 15 << 30)\n"
        "os.write(next(h for h in range(3, 9) if stat.S_ISFIFO(os.fstat(h).st_mode)), "
        "b'{\"done\": true}\\n')\ntime.sleep(60)",
        "left predictions of 15,360 MiB|File too large",
    ),
    "files": (
        "for i in range(10**6): open(str(i), 'wb').write(bytes(1 << 20))",
        "wrote more than 64 MiB of files",
    ),
    "one file": (
        "with open('x', 'wb') as file: file.seek(1 << 40), file.write(b'x')",
        "File too large",
    ),
    "exit": ("os._exit(0)", "its exit status is 0"),
    "crash": ("os.kill(os.getpid(), signal.SIGSEGV)", "ended by the signal SIGSEGV"),
    "abort": ("os.abort()", "ended by the signal SIGABRT"),
    "messages": (
        "[os.write(handle, b'x\\n') for handle in range(3, 9) "
        "if stat.S_ISFIFO(os.fstat(handle).st_mode)]",
        "something that is no message",
    ),
}
"""What a model does that takes too much or dies, and what is said then.

With 400 MiB of memory; the words of "forks" and "files" are those of tests, which set lower limits.
"""
MODEL = """import ctypes, os, pathlib, signal, socket, stat, subprocess, sys, time
import numpy as np
import pandas as pd
DEFAULTS = {"a": 1.0}
HERE = pathlib.Path(__file__).parent
def build(params, seed): return Mine()
def space(trial): return {}
class Mine:
    def fit(self, train, report=None):
        FIT
    def predict(self, part):
        good = pd.DataFrame({"id": part.ids, "y": 0.5})
        PREDICT
"""
_TRY = """
def attempt():
    BODY
try: attempt()
except (OSError, subprocess.SubprocessError): pass
else: reached.append(NAME)
"""
_ASKED = """
reached = []
def asked(*command):
    subprocess.run(command, check=True, capture_output=True)
"""
_SAY = """
assert "PODIUM_DB" not in os.environ and "SECRET" not in os.environ
if reached: raise RuntimeError("reached: " + "; ".join(reached))
"""
OPEN = {
    sandbox.FILES: ("read", "list", "write", "remove", "change"),
    sandbox.NETWORK: ("connect", "send"),
    sandbox.ALL_BUT_TCP: ("send", "connect by an abstract", "connect to"),
    sandbox.SOCKETS: ("connect to a service",),
    sandbox.SIGNALS: ("signal",),
    sandbox.NAMES: ("read the names",),
    sandbox.KEYS: ("use the kernel's keys",),
    sandbox.SHARED: ("take memory",),
}
"""How the escapes begin that a system leaves open where it has not all sandbox."""


def model(fit: str = "pass", predict: str = "return good") -> str:
    """A model file whose methods do that."""

    def inner(text):
        return text.strip().replace("\n", "\n        ")

    return MODEL.replace("FIT", inner(fit)).replace("PREDICT", inner(predict))


def reach(names: Iterable[str], values: dict[str, object]) -> str:
    """Code that tries these escapes, and raises `reached: ...` where it got out.

    Args:
        names: Of `ESCAPES`.
        values: What they are told: `SOLUTION`, `PUBLIC`, `SIMULATOR`, `BOARD`, `SUBMISSION`,
            `PARENT`, `PORT`, `ABSTRACT`, `SOCKET` and `KEYCTL`.
    """
    told = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    tries = [
        _TRY.replace("NAME", repr(name)).replace(
            "BODY", ESCAPES[name].strip().replace("\n", "\n    ")
        )
        for name in names
    ]
    return told + _ASKED + "".join(tries) + _SAY


def reached(message: str, left_open: Iterable[str]) -> list[str]:
    """Escapes that a refusal tells of, without those that are known to be open here."""
    allowed = tuple(start for name in left_open for start in OPEN[name])
    names = message.partition("reached: ")[2].split("; ") if "reached: " in message else []
    return [name for name in names if not name.startswith(allowed or "-")]
