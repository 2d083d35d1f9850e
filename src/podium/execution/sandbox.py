"""Walls around a process that Linux builds without privileges: what a model's code can reach.

Namespaces give it a network without a way out, processes of its own, and a file system that holds
what it may see and nothing else. Landlock draws the same line around the same files, where there
are no namespaces or inside of them. Each is used where the kernel has it; `enter` says what is
left open. Nothing is imported here but the standard library: both bind a process as long as it has
one thread, and numerical libraries start some.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FILES, NETWORK, ALL_BUT_TCP, SOCKETS, SIGNALS, NAMES, KEYS, SHARED, MEMORY = (
    "files of yours that it can read, the answers among them",
    "the network",
    "the network but for TCP (UDP is open)",
    "sockets of services on this machine",
    "signals to your other processes",
    "names and command lines of your other processes",
    "keys that the kernel keeps for your session",
    "memory that processes share, which is not counted",
    "memory and the number of processes",
)
"""What may be left open."""

_UNSHARE = {"mount": 0x00020000, "ipc": 0x08000000, "user": 0x10000000, "pid": 0x20000000}
_UNSHARE["net"] = 0x40000000
_BIND, _REC, _PRIVATE, _DETACH = 1 << 12, 1 << 14, 1 << 18, 2
_NOSUID_NODEV_NOEXEC = 2 | 4 | 8
_OWN_PID_MAX, _LEAST_PID_MAX = (6, 14), 301  # Linux since when namespaces have their own
_THREADS = 4  # on average, of a process
_MOUNT_SETATTR, _RECURSIVE, _READ_ONLY = 442, 0x8000, 1
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_DEATH_SIGNAL, _CAPBSET_DROP, _SUBREAPER, _NO_NEW_PRIVS = 1, 24, 36, 38
_CAPABILITIES = 0x20080522
_SECCOMP, _FILTER = 22, 2
_JOIN_SESSION_KEYRING = 1
_CALLS = {
    "x86_64": (0xC000003E, 250, (29, 64, 68, 248, 249, 250, 447)),
    "aarch64": (0xC00000B7, 219, (194, 190, 186, 217, 218, 219, 447)),
}
"""By machine: its name for filters; `keyctl`; and the calls for memory of System V (`shmget`,
`semget`, `msgget`), keys (`add_key`, `request_key`, `keyctl`) and `memfd_secret`."""
_EXECUTE, _READ_FILE, _READ_FOLDER = 1, 1 << 2, 1 << 3
_OF_FILES = _EXECUTE | 1 << 1 | _READ_FILE | 1 << 14 | 1 << 15  # rights that a file can have
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many the kernel knows, by Landlock's version; then 16


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What a process may see; all else is not there for it.

    Attributes:
        listed: Folders whose names it may list.
        read: Files, and folders with all that is in them.
        write: The same, for writing too; devices among them.
        root: An empty folder, where its file system is put together.
        processes: How many it may start.
        file_bytes: How long a file may become.
        shared_bytes: How much shared memory there is.
        links: Names under which links lead to some of it.
    """

    listed: tuple[str, ...]
    read: tuple[str, ...]
    write: tuple[str, ...]
    root: str
    processes: int
    file_bytes: int
    shared_bytes: int
    links: tuple[str, ...] = ()


def enter(policy: Policy, ended: Callable[[int], None]) -> list[str]:
    """Build the walls, as far as this system lets anyone; gives what is left open.

    On Linux the process that returns is another one than the one that called: that one waits for
    it, and for what it leaves behind, and calls `ended` with its wait status.
    """
    if sys.platform == "win32":
        return [FILES, NETWORK, SIGNALS, MEMORY]
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_FSIZE, policy.file_bytes)
    if sys.platform != "linux":
        return [FILES, NETWORK, SIGNALS, MEMORY]
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(OSError):  # if the machine runs out of memory, this goes first
        Path("/proc/self/oom_score_adj").write_text("1000")
    _prctl(libc, _DEATH_SIGNAL, signal.SIGKILL)
    own = _namespaces(libc)
    _prctl(libc, _SUBREAPER, 1)
    _wait_outside(ended)
    _prctl(libc, _DEATH_SIGNAL, signal.SIGKILL)
    _lower(resource.RLIMIT_NPROC, _THREADS * policy.processes)
    keyless = _leave_keyring(libc)
    rooted = own and _done(lambda: _new_root(libc, policy))
    version = _landlock(libc, policy)
    if own:
        _done(lambda: _drop_capabilities(libc))
    filtered = _filter_calls(libc)
    if own:
        _wait_inside()
    open_still = {
        FILES: not rooted and not version,
        ALL_BUT_TCP: not own and version >= 4,
        NETWORK: not own and version < 4,
        SOCKETS: not rooted,
        SIGNALS: not own and version < 6,
        NAMES: not rooted or not _has_own_proc(),
        KEYS: not keyless,
        SHARED: not filtered,
    }
    return [name for name, is_open in open_still.items() if is_open]


def _has_own_proc() -> bool:
    """Whether only the processes of one's own namespace have names here."""
    try:
        return os.getpid() == int(Path("/proc/self").readlink().name)
    except OSError:
        return True  # none has


def _leave_keyring(libc: ctypes.CDLL) -> bool:
    """Begin a session without keys: whoever began this process keeps some there, perhaps."""
    if os.uname().machine not in _CALLS:
        return False
    call = ctypes.c_long(_CALLS[os.uname().machine][1])
    joined = libc.syscall(call, ctypes.c_long(_JOIN_SESSION_KEYRING), None)
    return joined >= 0 or ctypes.get_errno() == errno.ENOSYS


def _filter_calls(libc: ctypes.CDLL) -> bool:
    """Have the kernel say that it knows no calls for memory and keys which nothing here counts."""
    machine = os.uname().machine
    if machine not in _CALLS:
        return False
    name, _, refused = _CALLS[machine]
    refuse = 0x00050000 | errno.ENOSYS
    steps = [
        (0x20, 0, 0, 4),  # the machine that the call is meant for
        (0x15, 1, 0, name),
        (0x06, 0, 0, refuse),
        (0x20, 0, 0, 0),  # its number
        (0x35, len(refused) + 1, 0, 0x40000000),  # the x32 twins of all calls
        *((0x15, len(refused) - place, 0, call) for place, call in enumerate(refused)),
        (0x06, 0, 0, 0x7FFF0000),
        (0x06, 0, 0, refuse),
    ]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(kept := _buffer(code)))
    _prctl(libc, _NO_NEW_PRIVS, 1)
    bound = libc.prctl(_SECCOMP, ctypes.c_ulong(_FILTER), program, 0, 0) == 0
    del kept
    return bool(bound)


def _buffer(content: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(content, len(content))


def _done(step: Callable[[], None]) -> bool:
    try:
        step()
    except OSError:
        return False
    return True


def _lower(kind: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> int:
    return int(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def _namespaces(libc: ctypes.CDLL) -> bool:
    """Move into namespaces of one's own, as the same user; whether the kernel allows it."""
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(sum(_UNSHARE.values())) != 0:
        return False
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with suppress(OSError):
            Path(f"/proc/self/{name}").write_text(text)
    return True


def _wait_outside(ended: Callable[[int], None]) -> None:
    """Go on in a child; this process waits for it, and for all that loses its parents."""
    child = os.fork()
    if not child:
        return
    while True:
        try:
            process, status = os.wait()
        except ChildProcessError:
            os._exit(0)
        if process == child:
            ended(status)


def _wait_inside() -> None:
    """Go on in a child; this process, the first of its namespace, ends as it does.

    The first one is not like others: signals without a handler do nothing to it. All others end
    with it.
    """
    child = os.fork()
    if not child:
        return
    while True:
        process, status = os.wait()
        if process == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _new_root(libc: ctypes.CDLL, policy: Policy) -> None:
    """A file system of one's own, with what may be seen in its place and nothing else."""
    root = Path(policy.root)
    _mount(libc, "none", Path("/"), "", _REC | _PRIVATE)
    _mount(libc, "tmpfs", root, "tmpfs", _NOSUID_NODEV_NOEXEC, "mode=755")
    seen: set[Path] = set()
    for name in sorted({*policy.read, *policy.write}, key=lambda name: (name.count("/"), name)):
        source, writes = Path(name), name in policy.write
        real = _follow(source, root)
        if not writes and not seen.isdisjoint((real, *real.parents)):
            continue
        place = root / real.relative_to("/")
        if real.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        if name == "/proc":
            _mount_proc(libc, place, policy.processes)
            seen.add(real)
            continue
        if name == "/dev/shm":  # noqa: S108
            _mount(libc, "tmpfs", place, "tmpfs", 2 | 4, f"mode=1777,size={policy.shared_bytes}")
            continue
        _mount(libc, str(real), place, "", _BIND | _REC)
        if not writes:
            _make_read_only(libc, place, _RECURSIVE)
            seen.add(real)
    for name in policy.links:
        _follow(Path(name), root)
    for name in policy.listed:
        (root / _follow(Path(name), root).relative_to("/")).mkdir(parents=True, exist_ok=True)
    _make_read_only(libc, root)
    here = Path.cwd()
    os.chdir(root)
    _checked(libc.pivot_root(b".", b"."))
    _checked(libc.umount2(b".", _DETACH))
    os.chdir(here if here.is_dir() else "/")


def _mount_proc(libc: ctypes.CDLL, place: Path, processes: int) -> None:
    """The system's view of one's own processes, where it lets one have it; not to be written to.

    An administrator's settings lie there, which one who is administrator outside could change.
    """
    if not _done(lambda: _mount(libc, "proc", place, "proc", _NOSUID_NODEV_NOEXEC)):
        _mount(libc, "/proc", place, "", _BIND | _REC)
    elif tuple(map(int, os.uname().release.split(".")[:2])) >= _OWN_PID_MAX:
        with suppress(OSError):
            most = max(_LEAST_PID_MAX, _THREADS * processes)
            (place / "sys" / "kernel" / "pid_max").write_text(str(most))
    _make_read_only(libc, place, _RECURSIVE)


def _mount(
    libc: ctypes.CDLL, source: str, place: Path, kind: str, flags: int, data: str = ""
) -> None:
    texts = [os.fsencode(text) for text in (source, place, kind)]
    _checked(libc.mount(*texts, ctypes.c_ulong(flags), data.encode() or None))


def _make_read_only(libc: ctypes.CDLL, place: Path, flags: int = 0) -> None:
    wanted = struct.pack("QQQQ", _READ_ONLY, 0, 0, 0)
    call = ctypes.c_long(_MOUNT_SETATTR)
    _checked(libc.syscall(call, -1, os.fsencode(place), flags, wanted, len(wanted)))


def _follow(path: Path, root: Path) -> Path:
    """Where a path leads; the links on the way are made again under `root`."""
    here, todo = Path("/"), list(path.parts[1:])
    while todo:
        part = todo.pop(0)
        if part in (".", ".."):
            here = here.parent if part == ".." else here
            continue
        link = here / part
        if not link.is_symlink():
            here = link
            continue
        target, copy = link.readlink(), root / link.relative_to("/")
        if not copy.is_symlink() and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(target)
        if target.is_absolute():
            here = Path("/")
        todo = [part for part in target.parts if part != "/"] + todo
    return here


def _landlock(libc: ctypes.CDLL, policy: Policy) -> int:
    """Bind this process and its children to what may be seen; the version of Landlock, or 0."""
    version = max(int(libc.syscall(ctypes.c_long(_LANDLOCK_CREATE), None, 0, 1)), 0)
    if not version:
        return 0
    every = (1 << _RIGHTS.get(version, 16)) - 1
    reads = _EXECUTE | _READ_FILE | _READ_FOLDER
    handled = struct.pack("QQQ", every, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    call = ctypes.c_long(_LANDLOCK_CREATE)
    rules = int(libc.syscall(call, handled, ctypes.c_size_t(len(handled)), 0))
    if rules < 0:
        return 0

    def allow(names: Iterable[str], rights: int) -> None:
        for name in names:
            with suppress(FileNotFoundError):
                place = os.open(name, os.O_PATH | os.O_CLOEXEC)
                some = rights if Path(name).is_dir() else rights & _OF_FILES
                rule = struct.pack("=Qi", some & every, place)
                libc.syscall(ctypes.c_long(_LANDLOCK_ADD), rules, 1, rule, 0)
                os.close(place)

    allow(policy.listed, _READ_FOLDER)
    allow(policy.read, reads)
    allow(policy.write, every)
    _prctl(libc, _NO_NEW_PRIVS, 1)
    bound = libc.syscall(ctypes.c_long(_LANDLOCK_RESTRICT), rules, 0) == 0
    os.close(rules)
    return version if bound else 0


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Nothing that only an administrator may do, even of namespaces of one's own."""
    _prctl(libc, _NO_NEW_PRIVS, 1)
    for capability in range(64):
        _prctl(libc, _CAPBSET_DROP, capability)
    header = struct.pack("Ii", _CAPABILITIES, 0)
    _checked(libc.capset(header, struct.pack("6I", 0, 0, 0, 0, 0, 0)))
