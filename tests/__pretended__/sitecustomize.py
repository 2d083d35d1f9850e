"""Another system than Linux, as far as Podium's own code sees it: for a process and its children.

On `PYTHONPATH`, with `PRETEND` as `win32` or `darwin`: Podium's modules then find neither `/proc`
nor the modules and names that such a system lacks. As `win32` files have its rules, too: text has
CRLF and cp1252 unless it is said, some names are illegal, links need a right, what is open or
read-only is not removed, a folder is not opened. All other code sees the system that there is.
"""

import builtins
import errno
import fcntl
import glob
import importlib
import io
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import types
from pathlib import Path

PLATFORM = os.environ.get("PRETEND")
WINDOWS = PLATFORM == "win32"
HERE = Path(__file__).parent
OURS = tuple(str(HERE.parents[1] / name) + os.sep for name in ("src", "competitions", "tests"))
LIBRARY = (os.path.dirname(os.__file__) + os.sep, "<frozen")  # noqa: PTH120

LINUX_ONLY = {
    "os": "eventfd memfd_create pidfd_open sched_getaffinity sched_setaffinity setns unshare "
    "O_PATH",
    "signal": "pidfd_send_signal",
    "select": "epoll",
}
POSIX_ONLY = {
    "os": "chown fchmod fchown fork forkpty getegid geteuid getgid getloadavg getpgid getpgrp "
    "getpriority getsid getuid killpg lchown mkfifo nice openpty posix_spawn pread pwrite sendfile "
    "setpgid setsid statvfs sysconf uname wait3 wait4 O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK",
    "signal": "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 alarm pause "
    "pthread_sigmask setitimer",
    "select": "poll",
    "socket": "AF_UNIX recv_fds send_fds",
    "time": "tzset",
}
POSIX_MODULES = {"fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
ILLEGAL = re.compile(
    r'[<>:"|?*\\\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE
)


class Seen(types.ModuleType):
    """A module as it is elsewhere: without some names, and with others."""

    def __init__(self, real, missing, **others):
        super().__init__(real.__name__)
        self.__dict__.update({"_real": real, "_missing": missing, **others})

    def __getattr__(self, name):
        if name in self._missing:
            raise AttributeError(f"module {self._real.__name__!r} has no attribute {name!r}")
        return getattr(self._real, name)

    def __setattr__(self, name, value):
        setattr(self._real, name, value)


def locking(file, mode, _):
    """A lock on a file's first bytes, by `flock`."""
    kinds = {0: fcntl.LOCK_UN, 1: fcntl.LOCK_EX, 2: fcntl.LOCK_EX | fcntl.LOCK_NB}
    try:
        fcntl.flock(file, kinds[mode])
    except BlockingIOError:
        raise PermissionError(errno.EACCES, "Permission denied") from None


def seen_modules():
    """The modules that Podium's own code gets instead of the real ones."""
    missing = {
        name: {*LINUX_ONLY.get(name, "").split(), *(POSIX_ONLY[name].split() if WINDOWS else ())}
        for name in POSIX_ONLY
    }
    import select
    import time

    found = {m.__name__: Seen(m, missing[m.__name__]) for m in (os, signal, select, socket, time)}
    found["sys"] = Seen(sys, {"abiflags"} if WINDOWS else set(), platform=PLATFORM)
    if WINDOWS:
        found["os"].__dict__["name"] = "nt"
        found["msvcrt"] = types.ModuleType("msvcrt")
        found["msvcrt"].__dict__.update(LK_UNLCK=0, LK_LOCK=1, LK_NBLCK=2, locking=locking)
    return found


def asked_by_us():
    """Whether Podium's own code asks, by the standard library or itself."""
    frame = sys._getframe()
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(LIBRARY) and file != __file__:
            return file.startswith(OURS)
        if "site-packages" in file:
            return False
        frame = frame.f_back
    return False


def importing(real, seen):
    """Import as ever, but for Podium's own modules, and for pytest's `importorskip`."""

    def found(name, *more, **named):
        caller = sys._getframe().f_back
        asked = caller.f_globals if caller else {}
        ours = str(asked.get("__file__", "")).startswith(OURS)
        if ours or asked.get("__name__") == "_pytest.outcomes":
            if WINDOWS and name in POSIX_MODULES:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            if name in seen:
                return seen[name]
        return real(name, *more, **named)

    return found


def opening(real):
    """Open text as Windows does: CRLF, and in its own code, unless it is said."""

    def ours(
        file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, *more, **named
    ):
        if "b" not in mode and asked_by_us():
            encoding = "cp1252" if encoding in (None, "locale") else encoding
            newline = "\r\n" if newline is None and mode[0] in "wax" else newline
        return real(file, mode, buffering, encoding, errors, newline, *more, **named)

    return ours


def place(path, folder=-1):
    """A path from the root."""
    path = os.fsdecode(path)
    if folder not in (-1, None):
        path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)  # noqa: PTH115, PTH118
    return os.path.abspath(path)  # noqa: PTH100


def is_open(path):
    """Whether a process has a file open."""
    for link in glob.iglob("/proc/[0-9]*/fd/*"):  # noqa: PTH207
        try:
            if os.readlink(link) == path:  # noqa: PTH115
                return True
        except OSError:
            continue
    return False


def rules(event, arguments):
    """What the system refuses to Podium's own code."""
    if event not in RULES or not asked_by_us():
        return
    path = arguments[0]
    if not isinstance(path, str | bytes | os.PathLike):
        return
    RULES[event](*arguments)


def refuse_open(path, _, flags):
    """Open nothing that is only on Linux; on Windows no folder, and no illegal name."""
    path = os.fsdecode(path)
    if path.startswith(("/proc/", "/sys/")):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
    if WINDOWS and os.path.isdir(path):  # noqa: PTH112
        raise PermissionError(errno.EACCES, "Permission denied", path)
    if WINDOWS and flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
        refuse_name(path)


def refuse_name(path, *_):
    """Refuse a name that Windows does not take."""
    for part in Path(place(path)).parts[1:]:
        if ILLEGAL.search(part):
            raise OSError(errno.EINVAL, "The filename syntax is incorrect", path)


def refuse_removal(path, folder=-1, *_):
    """Refuse to remove what is open, or read-only."""
    path = place(path, folder)
    try:
        known = os.lstat(path)
    except OSError:
        return
    if is_open(path) or (stat.S_ISREG(known.st_mode) and not known.st_mode & stat.S_IWUSR):
        raise PermissionError(errno.EACCES, "The process cannot access the file", path)


def refuse_move(source, target, from_folder=-1, to_folder=-1):
    """Refuse to move what is open, or over what is open, or read-only."""
    refuse_name(target)
    if is_open(place(source, from_folder)):
        raise PermissionError(errno.EACCES, "The process cannot access the file", source)
    refuse_removal(target, to_folder)


def refuse_link(source, *_):
    """Refuse a symbolic link."""
    raise OSError(errno.EPERM, "A required privilege is not held by the client", source)


RULES = {"open": refuse_open}
if WINDOWS:
    RULES |= {"os.mkdir": refuse_name, "os.remove": refuse_removal, "os.rename": refuse_move}
    RULES |= {"os.symlink": refuse_link}


def inherited(real):
    """Start processes that see the same system."""

    def __init__(self, *arguments, env=None, **named):  # noqa: N807
        if env is not None:
            before = [env["PYTHONPATH"]] if env.get("PYTHONPATH") else []
            paths = os.pathsep.join(dict.fromkeys([str(HERE), *before]))
            env = {**env, "PYTHONPATH": paths, "PRETEND": PLATFORM}
        real(self, *arguments, env=env, **named)

    return __init__


if PLATFORM:
    if WINDOWS:
        os.linesep = "\r\n"
        io.open = builtins.open = opening(builtins.open)
    SEEN = seen_modules()
    builtins.__import__ = importing(builtins.__import__, SEEN)
    importlib.import_module = importing(importlib.import_module, SEEN)
    subprocess.Popen.__init__ = inherited(subprocess.Popen.__init__)
    sys.addaudithook(rules)
