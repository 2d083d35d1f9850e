"""What a model's process may see: its data, its code and the system's libraries; never the answers.

Everything is listed that it may see, so what nobody thought of stays unseen: raw files wherever
they lie, other teams' submissions, keys in the home directory.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import podium.competitions
from podium.data import formats
from podium.execution import packages, secret
from podium.execution.sandbox import Policy

if TYPE_CHECKING:
    from podium.competition.contract import Competition

PROCESSES = max(256, 4 * (os.cpu_count() or 1))
SCRATCH = 16 << 30
"""Bytes that a model may write."""
FILES = 100_000
"""Files and folders that it may write."""
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/proc", "/sys"),
    *("/nix/store", "/gnu/store"),
    *("/etc/alternatives", "/etc/fonts", "/etc/group", "/etc/ld.so.cache", "/etc/ld.so.conf"),
    *("/etc/ld.so.conf.d", "/etc/localtime", "/etc/nsswitch.conf", "/etc/passwd"),
    *("/etc/OpenCL", "/etc/timezone", "/dev/random", "/dev/urandom", "/dev/zero"),
)
_DEVICES = ("/dev/null", "/dev/full", "/dev/shm", "/dev/kfd", "/dev/dri")  # noqa: S108
_KEPT = (
    *("PATH", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV"),
    *("CONDA_PREFIX", "PYTHONHASHSEED", "PYTHONWARNINGS"),
)
_KEPT_KINDS = (
    *("LC_", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "BLIS_", "NUMEXPR_", "NUMBA_"),
    *("CUDA_", "CUBLAS_", "NVIDIA_", "NCCL_", "TORCH", "PYTORCH_", "HIP_", "ROCR_"),
)
_SECRETS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "LOKY_MAX_CPU_COUNT"),
)
_SIGN = "__editable__"  # how setuptools' entries of `sys.path` begin that are no paths
_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (
    *("HOME", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
    *("MPLCONFIGDIR", "NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"),
)


def of(
    competition: Competition,
    model: Path | None,
    given: Iterable[Path],
    folder: Path,
    shared_bytes: int,
    more: Sequence[Path] = (),
) -> Policy:
    """What a model's process may see.

    Args:
        competition: Whose code it sees.
        model: The user's file, with what lies beside it; None for a shipped model.
        given: Files and folders of data.
        folder: The scratch space of the run: `work` in it may be written to.
        shared_bytes: Of shared memory.
        more: What else its user shows it.

    Raises:
        PodiumError: If that has something that no model may see.
    """
    shown = secret.checked(more, competition)
    hidden = set(secret.places())
    others = hidden - {secret.submissions()} if model and in_team_folder(model) else hidden
    above = {folder for path in hidden for folder in path.parents}
    whole = [path for path in (*map(Path, _SYSTEM), *_python()) if packages.is_there(path)]
    read = [part for path in whole for part in _around(path, hidden, above)]
    here = list(_packages_here())
    own = [part for path in here for part in _around(path, hidden, above)]
    own += _elsewhere(packages.redirected(), hidden, above)
    read += [path for path in own if not secret.raw_in(path, competition)]
    read += _elsewhere(packages.linked(map(Path, python_path())), hidden, above)
    read += [*shown, *given, *_code(competition)]
    if model is not None:
        read += [model, *(part for path in beside(model) for part in _around(path, others, above))]
    devices = [*map(Path, _DEVICES), *Path("/dev").glob("nvidia*")]
    return Policy(
        listed=_names(
            [
                *(_PACKAGE.parent, *_installed_here(), *_folders(competition)),
                *_broken_up([*whole, *here], above),
            ]
        ),
        read=_names(read),
        links=_names(more),
        write=_names([folder / "work", *filter(packages.is_there, devices)]),
        root=str(folder / "root"),
        processes=PROCESSES,
        file_bytes=SCRATCH,
        shared_bytes=shared_bytes,
    )


def environment(threads: int | None = None) -> dict[str, str]:
    """The environment of a model's process: no secrets, no addresses of databases.

    Args:
        threads: How many its libraries may use; None for what the environment says.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or (name.startswith(_KEPT_KINDS) and not name.endswith(_SECRETS))
    }
    if site.ENABLE_USER_SITE:  # else it would be looked for in a home that is not the user's
        kept["PYTHONUSERBASE"] = site.getuserbase()
    return kept if threads is None else {**kept, **dict.fromkeys(_THREADS, str(threads))}


def places(home: Path) -> dict[str, str]:
    """Where a model's process and its libraries may write, as they are told."""
    return dict.fromkeys(_PLACES, str(home))


def found_again(root: Path) -> dict[str, str]:
    """What tells programs that a model starts where competitions and packages are."""
    named = {"PODIUM_WORKSPACE": str(root.parent)} if root.name == "competitions" else {}
    folders = map(Path.absolute, map(Path, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    if kept := [str(folder) for folder in folders if folder not in _here()]:
        named["PYTHONPATH"] = os.pathsep.join(kept)
    return named


def python_path() -> list[str]:
    """Where modules are imported from; Podium itself is always included.

    The current directory and that of a script that calls Podium are left out, unless they are
    installed there: then they come last.
    """
    own, here = _PACKAGE.parent, _here()
    names = {name: Path(name).absolute() for name in sys.path}
    kept = [
        name if name.startswith(_SIGN) else str(path)
        for name, path in names.items()
        if path not in here
    ]
    kept += map(str, sorted(_installed_here()))
    return kept if str(own) in kept else [*kept, str(own)]


def _here() -> set[Path]:
    """The current directory and that of a script that calls Podium, but for Podium's own."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    return {Path.cwd(), *([Path(script).absolute().parent] if script else [])} - {_PACKAGE.parent}


def _installed_here() -> set[Path]:
    """Which of them a file of the environment names, as editable installs do."""
    here = _here()
    lines = {
        (file.parent / line.strip()).absolute()
        for folder in (*site.getsitepackages(), site.getusersitepackages())
        for file in Path(folder).glob("*.pth")
        for line in _lines(file)
        if line.strip()
    }
    return here & lines & {Path(name).absolute() for name in sys.path}


def _lines(file: Path) -> list[str]:
    with suppress(OSError):  # Python, too, passes over those that it cannot read
        return file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    return []


def in_team_folder(model: Path) -> bool:
    """Whether a model file was handed in: `submissions/<competition>/<dataset>/<team>/` has it."""
    return secret.submissions() in model.resolve().parents[3:4]


def beside(model: Path) -> Iterator[Path]:
    """The files beside a model file, packages, and the folder of the model's own name.

    Where it was handed in, tables beside it are predictions, which it does not see.
    """
    model, handed_in = model.resolve(), in_team_folder(model)
    for path in model.parent.iterdir():
        if path.name.startswith(".") or path.is_symlink():
            continue
        if handed_in and formats.ending(path) in formats.TABLES:
            continue
        package = path.is_dir() and (path / "__init__.py").is_file()
        if path.is_file() or package or path == model.with_suffix(""):
            yield path


def is_seen(policy: Policy, place: Path) -> bool:
    """Whether a process sees a place."""
    seen = {Path(name).resolve() for name in (*policy.read, *policy.write)}
    return not seen.isdisjoint({place, *place.parents})


def _elsewhere(places: Iterable[Path], hidden: set[Path], above: set[Path]) -> Iterator[Path]:
    """Where installed packages lead; not where a model may not look."""
    above = above.union(*({path, *path.parents} for path in secret.wide()))
    for place in dict.fromkeys(filter(packages.is_there, places)):
        real = place.resolve()
        if real not in above and hidden.isdisjoint({real, *real.parents}):
            yield place


def _around(path: Path, hidden: set[Path], above: set[Path]) -> Iterator[Path]:
    """A path; or, where something hidden lies below, all that lies beside it."""
    real = path.resolve()
    if not hidden.isdisjoint({real, *real.parents}):
        return
    if real not in above:
        yield path
        return
    for inner in real.iterdir():
        yield from _around(inner, hidden, above)


def _broken_up(whole: list[Path], above: set[Path]) -> Iterator[Path]:
    """Folders of which all is seen but what is hidden: their names must be there to import from."""
    places = {path.resolve() for path in whole}
    for folder in above:
        if places & {folder, *folder.parents}:
            yield folder


def _python() -> Iterator[Path]:
    """The interpreter, its library and all installed packages."""
    yield from (Path(sys.executable), Path(sys.executable).resolve())
    yield from map(Path, {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix})
    yield from (Path(path) for path in sysconfig.get_paths().values() if "lib" in path)
    yield Path(site.getusersitepackages())
    yield _PACKAGE
    here = _installed_here()
    yield from (path for path in map(Path, python_path()) if path not in here)
    yield from map(Path, filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)))


def _packages_here() -> Iterator[Path]:
    """Packages that are installed in the current folder, or in that of a script."""
    for folder in _installed_here():
        for file in folder.glob("*/__init__.py"):
            if not file.parent.is_symlink():
                yield file.parent


def _code(competition: Competition) -> Iterator[Path]:
    """The Python files of a competition's folder, but for its simulator, which has answers."""
    for file in competition.folder.rglob("*.py"):
        if not file.name.startswith(("simulat", "test_")):
            yield file
    yield Path(str(podium.competitions.__file__))  # the package, not the competitions in it


def _folders(competition: Competition) -> Iterator[Path]:
    yield from (competition.folder.parent, competition.folder)
    yield from (path for path in competition.folder.rglob("*") if path.is_dir())


def _names(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(path.absolute()) for path in paths))
