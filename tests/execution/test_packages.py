"""Packages that lie elsewhere are seen where they lead, or it is said what to show by `--see`."""

import errno
import json
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import tracemalloc
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import podium.competitions
from podium import api
from podium import workspace as workspaces
from podium.data import dataset as data
from podium.errors import ModelError, PodiumError
from podium.execution import packages, policy, secret, starting, views, walls
from podium.execution.sandbox import FILES
from podium.execution.worker import Limits
from podium.scratch import file_sha256
from suites import mostly_slow

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="walls are built on Linux alone")
MODEL = """
import os
import pandas as pd
IMPORTS
DEFAULTS = {"a": 1.0}
def build(params, seed): return Mine()
def space(trial): return {"a": trial.suggest_float("a", 0, 1)}
class Mine:
    def fit(self, train, report=None):
        WORK
    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "y": part.features["x"]})
"""
FINDER = """
import sys
from importlib.util import spec_from_file_location
from pathlib import Path
MAPPING = {MAPPING}
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in MAPPING:
            place = Path(MAPPING[name])
            file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            return spec_from_file_location(name, file)
sys.meta_path.append(Finder)
"""


def model(imports="", work="pass", name="mine.py"):
    Path(name).write_text(MODEL.replace("IMPORTS", imports).replace("WORK", work))
    return name


def write(path, text="VALUE = 1\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def seen(toy, tmp_path, **more):
    given = views.whole(data.load(*api.load("toy"))).given
    return policy.of(toy, None, given, tmp_path / "scratch", 1, **more)


def read(found, below):
    """What is seen of a folder."""
    places = [Path(name) for name in found.read]
    return {str(path.relative_to(below)) for path in places if path.is_relative_to(below)}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that packages are installed in."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def linked(site, tmp_path):
    """The kinds of links that tools make: of a module, a folder, all files of a package."""
    kept = tmp_path / "kept"
    write(kept / "a" / "one_module.py")
    write(kept / "b" / "one_folder" / "__init__.py")
    write(kept / "c" / "one_package" / "__init__.py")
    write(kept / "c" / "one_package" / "inner" / "__init__.py")
    write(kept / "c" / "one_package" / "inner" / "deep.py")
    write(kept / "c" / "unrelated.txt")
    (site / "one_module.py").symlink_to(kept / "a" / "one_module.py")
    (tmp_path / "by-the-way").symlink_to(kept / "b")
    (site / "one_folder").symlink_to(tmp_path / "by-the-way" / "one_folder")
    for file in (kept / "c" / "one_package").rglob("*.py"):
        place = site / file.relative_to(kept / "c")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(file)
    return kept


@LINUX
def test_packages_that_are_links(linked, workspace, toy):
    imports = "import one_module, one_folder, one_package.inner.deep"
    work = f"assert not os.path.exists({str(linked / 'c' / 'unrelated.txt')!r})"
    found = api.run("toy", model(imports, work), submit=False)
    assert FILES in found.left_open or found.file


def test_no_more_than_packages_is_seen(linked, toy, tmp_path):
    found = seen(toy, tmp_path)
    assert {"a/one_module.py", "c/one_package"} <= read(found, linked)
    assert str(tmp_path / "by-the-way" / "one_folder") in found.read
    assert not {".", "a", "b", "c", "c/unrelated.txt"} & read(found, linked)


def test_links_to_what_is_hidden_are_not_followed(site, toy, workspace, tmp_path, monkeypatch):
    home = tmp_path / "home"
    write(home / ".ssh" / "key")
    write(home / "package" / "__init__.py")
    monkeypatch.setenv("HOME", str(home))
    hidden = [
        *(workspaces.cache(), workspace, workspace.parent, home, home / ".ssh", Path("/")),
        *(data.load(*api.load("toy")).folder, workspace / "submissions", toy.folder),
    ]
    before = seen(toy, tmp_path)
    for number, place in enumerate(hidden):
        (site / f"hidden_{number}").symlink_to(place)
    (site / "seen").symlink_to(home / "package")
    packages._linked.cache_clear()
    added = {*seen(toy, tmp_path).read} - {*before.read}
    assert added == {str(home / "package")}


def test_links_of_a_users_own_folder_are_not_followed(toy, tmp_path, monkeypatch):
    """They may lead to raw data; a package among them is named by the import that fails."""
    for name in ("raw/data/toy.csv", "kept/mine/__init__.py"):
        write(tmp_path / name)
    own = write(tmp_path / "own" / "data" / "notes.txt").parents[1]
    (own / "data" / "toy.csv").symlink_to(tmp_path / "raw" / "data" / "toy.csv")
    (own / "mine").symlink_to(tmp_path / "kept" / "mine")
    monkeypatch.syspath_prepend(str(own))
    found = seen(toy, tmp_path)
    assert read(found, tmp_path) == {"own"}
    assert str(tmp_path / "kept" / "mine") in walls.of_package(["mine", "", ""], found, toy)


def test_competitions_that_are_links_stay_hidden(site, toy, tmp_path, monkeypatch):
    """As where Podium itself is installed as links to a cache."""
    kept = write(tmp_path / "kept" / "whole" / "__init__.py").parent
    folder = kept / "competitions" / "other"
    for name in ("competition.py", "simulate.py", "data.py"):
        write(folder / name)
    for file in kept.rglob("*.py"):
        place = site / file.relative_to(tmp_path / "kept")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(file)
    monkeypatch.setattr(
        *(podium.competitions, "__path__"),
        [*podium.competitions.__path__, str(site / "whole" / "competitions")],
    )
    assert not read(seen(toy, tmp_path), kept)
    monkeypatch.syspath_prepend(str(tmp_path / "kept"))
    assert read(seen(toy, tmp_path), kept) == {"__init__.py"}
    place = site / "whole" / "competitions" / "other"
    monkeypatch.setattr(type(toy), "folder", property(lambda _: place))
    assert read(seen(toy, tmp_path), place) == {"competition.py", "data.py"}


def test_a_competition_that_is_a_link_hides_its_folder_and_no_more(toy, tmp_path, monkeypatch):
    for name in ("far/other/competition.py", "far/other/raw/a.csv", "far/beside/a.csv"):
        write(tmp_path / name)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "other").symlink_to(tmp_path / "far" / "other")
    roots = [*podium.competitions.__path__, str(tmp_path / "mine")]
    monkeypatch.setattr(podium.competitions, "__path__", roots)
    for hidden in ("mine", "far/other", "far/other/raw", "far"):
        assert "competitions" in secret.why_not(tmp_path / hidden, toy)
    assert not secret.why_not(tmp_path / "far" / "beside", toy)


def test_keys_in_a_folder_that_is_imported_from(toy, tmp_path, monkeypatch):
    write(tmp_path / "home" / ".ssh" / "key")
    write(tmp_path / "home" / "mine.py")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.syspath_prepend(str(tmp_path / "home"))
    assert read(seen(toy, tmp_path), tmp_path / "home") == {"mine.py"}


class Redirects:
    """As a finder of editables, or of scikit-build-core."""

    def __init__(self, **mappings):
        vars(self).update(mappings)

    def find_spec(self, name, path=None, target=None):
        return None


def test_where_finders_of_editable_installs_lead(toy, tmp_path, monkeypatch):
    project = tmp_path / "project"
    for name in ("one/__init__.py", "two.py", "three/__init__.py", "four/__init__.py"):
        write(project / name)
    write(project / "secret.txt")
    module = types.ModuleType("__editable___one_finder")
    module.MAPPING = {"one": str(project / "one"), "two": str(project / "two"), "gone": "/gone"}
    monkeypatch.setitem(sys.modules, module.__name__, module)
    finder = type("Finder", (Redirects,), {"__module__": module.__name__})
    others = [
        Redirects(_redirections={"three": str(project / "three" / "__init__.py")}),
        Redirects(known_source_files={"four": str(project / "four" / "__init__.py")}),
    ]
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder, *others])
    assert read(seen(toy, tmp_path), project) == {"one", "two.py", "three", "four"}


def test_signs_of_finders_stay_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend("__editable__.one-1.0.finder.__path_hook__")
    assert policy.python_path()[0] == "__editable__.one-1.0.finder.__path_hook__"


def test_what_is_installed_in_the_current_folder(workspace, toy, tmp_path, monkeypatch):
    """Its packages are seen and nothing else of it; nothing of it where no file says so."""
    for name in ("mine/__init__.py", "leaderboard/__init__.py", "raw/answers.csv", "keys.txt"):
        write(workspace / name)
    monkeypatch.setattr(policy.site, "getsitepackages", lambda: [str(tmp_path / "site")])
    monkeypatch.syspath_prepend(str(workspace))
    assert not read(seen(toy, tmp_path), workspace)
    assert str(workspace) not in policy.python_path()
    write(tmp_path / "site" / "mine.pth", f"import os\n\n{workspace}\n")
    found = seen(toy, tmp_path)
    assert read(found, workspace) == {"mine"}
    assert str(workspace) in found.listed
    assert policy.python_path()[-1] == str(workspace)  # it hides no installed package


def test_what_may_not_be_looked_at_is_passed_over(site, workspace, toy, tmp_path, monkeypatch):
    """Names that are too long fail as folders do that are not to be entered."""
    odd = str(tmp_path / ("x" * 300))
    monkeypatch.setattr(policy.site, "getsitepackages", lambda: [str(site)])
    (site / "gone.pth").symlink_to("/nowhere/gone.pth")
    (site / "circle").symlink_to("./circle")
    (site / "long").symlink_to(odd)
    write(site / "zzz.pth", str(workspace))
    write(workspace / "mine" / "__init__.py")
    monkeypatch.syspath_prepend(str(workspace))
    monkeypatch.syspath_prepend(odd)
    monkeypatch.setenv("HOME", odd)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Redirects(MAPPING={"a": odd})])
    assert read(seen(toy, tmp_path), workspace) == {"mine"}
    assert packages.leads(["a" * 300 + ".b", "", ""], [str(site)], lambda _: False)[1] == []
    assert packages.leads([f"os.{'a' * 300}.b", "", ""], [str(site)], lambda _: False)
    with pytest.raises(PodiumError, match="cannot be shown") as error:
        seen(toy, tmp_path, more=[Path(odd), site / "circle"])
    assert all("there is no such folder" in problem for problem in error.value.problems)


@pytest.mark.slow
@LINUX
def test_an_environment_with_editable_packages(workspace, toy, tmp_path, cache):
    """Its site files install finders, as those of setuptools do, or name a folder."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (folder,) = environment.glob("lib/*/site-packages")
    mapping = {"mapped": str(write(tmp_path / "project" / "mapped" / "__init__.py").parent)}
    write(folder / "__editable___mapped_finder.py", FINDER.replace("{MAPPING}", repr(mapping)))
    write(folder / "__editable__.mapped.pth", "import __editable___mapped_finder\n")
    write(tmp_path / "named" / "by_its_folder.py")
    write(workspace / "installed_here" / "__init__.py")
    own = [path for path in sys.path if Path(path).is_dir()]
    write(folder / "zzz.pth", "\n".join([str(tmp_path / "named"), str(workspace), *own]))
    script = write(
        tmp_path / "script" / "call.py",
        "import podium.competitions\n"
        f"podium.competitions.__path__.append({str(Path(toy.folder).parent)!r})\n"
        "from podium import api\n"
        "print(api.run('toy', 'mine.py', submit=False).file)\n",
    )
    model("import mapped, by_its_folder, installed_here")
    python = environment / "bin" / "python"
    done = subprocess.run([python, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_an_error_lacks():
    gone = ModuleNotFoundError("No module named 'a.b'", name="a.b")
    assert packages.lacking(gone) == ["a.b", "", ""]
    broken = ImportError(
        "libx.so.1: cannot open shared object file: No such file", name="a", path="/a.so"
    )
    assert packages.lacking(broken) == ["a", "/a.so", "libx.so.1"]
    hollow = AttributeError("no array", name="array", obj=types.ModuleType("hollow"))
    assert packages.lacking(hollow) == ["hollow", "", ""]
    for other in (ValueError("a"), AttributeError("a"), OSError(errno.ENOENT, "a", "b")):
        assert packages.lacking(other) is None
    wrapped = RuntimeError("of a package")
    wrapped.__cause__ = gone
    assert walls.lacking(wrapped) == ["a.b", "", ""]


def test_where_a_module_leads(site, tmp_path):
    """However deep; what is not there, or is seen, leads nowhere."""
    far = tmp_path / "far"
    folder = write(site / "deep" / "a" / "b" / "c" / "__init__.py").parent
    for name in ("deep", "deep/a", "deep/a/b"):
        write(site / name / "__init__.py")
    write(far / "d.py")
    (folder / "d.py").symlink_to(far / "d.py")
    write(far / "whole" / "__init__.py")
    (site / "whole").symlink_to(far / "whole")

    def leads(name, *rest):
        told = [name, *(rest or ("", ""))]
        return packages.leads(told, [str(site)], lambda path: not path.is_relative_to(far))

    assert leads("deep.a.b.c.d") == ("deep", [far / "d.py"])
    assert leads("deep.a.b.c") == ("deep", [])
    assert leads("whole.inner") == ("whole", [far / "whole"])
    for absent in ("absent", "sys", "os.path", "deep.absent", ""):
        assert leads(absent)[1] == []
    assert leads("deep", str(far / "d.py"), "libx.so")[1] == []
    for lie in (None, 3, "a", ["a"], [1, 2, 3], ["../a", "", ""], ["a", "", "", ""]):
        assert packages.leads(lie, [str(site)], lambda _: False) == ("", [])


def library(file, folder, name, size=64, place=None):
    """An ELF file that needs another one of a folder, with a table of some size at some place."""
    texts = b"\0" + name.encode() + b"\0" + str(folder).encode() + b"\0"
    begins, loaded = 64 + 2 * 56, 0x1000
    table = struct.pack(
        "<8Q", *(1, 1), *(5, loaded + begins + 64), *(29, 2 + len(name.encode())), *(0, 0)
    )
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    segments = struct.pack("<IIQQQQQQ", 1, 5, 0, loaded, loaded, 4096, 4096, 4096)
    where = begins if place is None else place
    segments += struct.pack("<IIQQQQQQ", 2, 5, where, loaded + begins, 0, size, 64, 8)
    file.write_bytes(head + segments + table + texts)
    return file


def test_no_file_of_a_model_is_read_as_a_library(site, tmp_path):
    """It may say that a file of its own lies where packages are installed."""
    write(tmp_path / "far" / "libx.so")
    own = library(tmp_path / "own.so", tmp_path / "far", "libx.so")

    def leads(file):
        told = ["absent", str(file), "libx.so"]
        return packages.leads(told, [str(site)], lambda _: False)[1]

    assert leads(library(site / "a.so", tmp_path / "far", "libx.so")) == [tmp_path / "far"]
    (tmp_path / "kept").mkdir()
    (site / "linked.so").symlink_to(library(tmp_path / "kept/b.so", tmp_path / "far", "libx.so"))
    assert leads(site / "linked.so") == [tmp_path / "far"]
    (site / "plain" / "one" / "two" / "three").mkdir(parents=True)
    (site / "plain" / "one" / "two" / "three" / "out").symlink_to(tmp_path)
    lies = ["/../own.so", "/plain/one/two/three/out/own.so", "/a\0b", f"/{'a' * 5000}"]
    for lie in (own, *(f"{site}{lie}" for lie in lies)):
        assert leads(lie) == []


@pytest.mark.parametrize("size", [1 << 45, 1 << 63, (1 << 64) - 1])
def test_a_library_that_lies_about_its_size(site, tmp_path, size):
    write(tmp_path / "far" / "libx.so")
    long = library(site / "a.so", tmp_path / "far", "libx.so", size)
    assert list(packages._of_libraries(long)) == [tmp_path / "far"]
    assert not list(packages._of_libraries(library(long, tmp_path / "far", "libx.so", 64, size)))


def test_no_more_of_a_library_than_its_tables_is_read(site, tmp_path):
    """A file with holes may say to be as large as it likes."""
    large = library(site / "a.so", tmp_path, "absent.so", 1 << 28)
    os.truncate(large, 1 << 29)
    tracemalloc.start()
    list(packages._of_libraries(large))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1 << 26


def test_finders_that_fail_are_passed_over(site, monkeypatch):
    class Fails:
        def find_spec(self, *_):
            raise RuntimeError

    class Odd:
        def find_spec(self, *_):
            return ModuleSpec("strange", None)

    monkeypatch.setattr(sys, "meta_path", [Fails(), Odd(), *sys.meta_path])
    assert packages.leads(["strange", "", ""], [str(site)], lambda _: False)[1] == []


def test_the_cause_is_named(site, tmp_path, toy, monkeypatch):
    write(tmp_path / "far away" / "whole" / "__init__.py")
    (site / "whole").symlink_to(tmp_path / "far away" / "whole")
    nothing = policy.of(toy, None, [], tmp_path, 1)
    nothing = type(nothing)(**{**vars(nothing), "read": (), "write": ()})
    told = walls.of_package(["whole", "", ""], nothing, toy)
    place = tmp_path / "far away" / "whole"
    assert told == (
        f"The package whole leads to {place}, which a model does not see: add --see '{place}'"
    )
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "far away"))
    told = walls.of_package(["whole", "", ""], nothing, toy)
    assert "it lies in" in told
    assert "answers" in told
    assert "--see" not in told


COMPILED = """
#include <Python.h>
int outer(void);
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "compiled", 0, -1, 0};
PyMODINIT_FUNC PyInit_compiled(void) {
    PyObject *module = PyModule_Create(&definition);
    PyModule_AddIntConstant(module, "VALUE", outer());
    return module;
}
"""


def compiled(file, text, *options):
    """A library of C."""
    compiler, headers = shutil.which("cc"), sysconfig.get_path("include")
    if not compiler or not Path(headers, "Python.h").is_file():
        pytest.skip("no compiler, or no headers of Python")
    file.parent.mkdir(parents=True, exist_ok=True)
    source = write(file.with_suffix(".c"), text)
    command = [compiler, "-shared", "-fPIC", f"-I{headers}", "-o", file, source, *options]
    subprocess.run(command, check=True, capture_output=True)


@LINUX
def test_libraries_that_lie_where_a_package_says(site, workspace, toy, tmp_path):
    """One by `$ORIGIN`, and one that this one needs: both are named at once."""
    first, second = tmp_path / "first" / "lib", tmp_path / "second"
    compiled(second / "libinner.so", "int inner(void) { return 1; }")
    compiled(
        *(first / "libouter.so", "int inner(void); int outer(void) { return inner(); }"),
        *(f"-L{second}", "-linner", f"-Wl,-rpath,{second}"),
    )
    compiled(
        *(site / "compiled.so", COMPILED, f"-L{first}", "-louter", f"-Wl,-rpath-link,{second}"),
        "-Wl,-rpath,$ORIGIN/../first/lib",
    )
    name = model("import compiled", "assert compiled.VALUE == 1")
    if FILES not in api.run("toy", model(name="plain.py"), submit=False).left_open:
        with pytest.raises(ModelError, match="libouter") as error:
            api.run("toy", name, submit=False)
        assert error.value.hint.startswith(
            f"The package compiled leads to {first} and {second}, which a model does not see: "
            f"add --see {first} --see {second}"
        )
    assert api.run("toy", name, submit=False, see=[first, str(second)]).file


COMMANDS = {
    "run": lambda name, see: api.run("toy", name, submit=False, see=see),
    "cv": lambda name, see: api.cross_validate("toy", name, see=see),
    "tune": lambda name, see: api.tune("toy", name, trials=1, see=see),
    "predict": lambda name, see: api.predict("toy", name, rows(), see=see),
}


def rows():
    return data.load(*api.load("toy")).table("public/test.parquet")


@LINUX
@pytest.mark.parametrize("command", mostly_slow(COMMANDS))
def test_what_is_shown_is_read_and_not_changed(command, workspace, toy, tmp_path):
    file = write(tmp_path / "shown" / "inner" / "weights.txt", "seen")
    write(tmp_path / "beside" / "weights.txt", "seen")
    work = f"""
        assert open({str(file)!r}).read() == "seen"
        for place in ({str(file)!r}, {str(file.parent / "new")!r}):
            try: open(place, "w")
            except OSError: pass
            else: raise ValueError(place)
        try: open({str(tmp_path / "beside" / "weights.txt")!r})
        except OSError: pass
        else: raise ValueError("beside")
    """
    name = model(work=work)
    if FILES in api.run("toy", model(name="plain.py"), submit=False).left_open:
        pytest.skip("this system leaves files open")
    assert COMMANDS[command](name, [tmp_path / "shown"])


def test_what_was_shown_is_in_the_record(workspace, toy, tmp_path, podium_cli):
    write(tmp_path / "shown" / "weights.txt", "seen")
    done = podium_cli("run", "toy", model(), "--see", tmp_path / "shown", "--see", "../shown")
    assert not done.status, done.err
    api.export_records("lines")
    records = [json.loads(line) for line in Path("lines").read_text().splitlines()]
    (found,) = [record["provenance"] for record in records if record.get("model") == "mine"]
    assert found["see"] == ["shown", "shown"]


@pytest.fixture
def raw_file(toy):
    """A file that the competition's data are prepared from."""
    known = secret._raw_files(toy)
    files = (file for file in (toy.folder / "raw").rglob("*") if file.is_file())
    return next(file for file in files if (file.name, file_sha256(file)) in known)


def test_what_may_not_be_shown(workspace, toy, tmp_path, monkeypatch, raw_file):
    """All at once, each with its reason; neither by a link, nor from above."""
    home = tmp_path / "home"
    write(home / ".ssh" / "key")
    write(home / "tools" / "library.so")
    write(workspace / "leaderboard" / "board.sqlite")
    write(workspace / "submissions" / "toy" / "demo" / "bob" / "theirs.csv")
    raw = write(tmp_path / "downloads" / "2024" / raw_file.name)
    write(tmp_path / "another" / raw_file.name, "another file of that name")
    shutil.copy(raw_file, raw)
    (tmp_path / "link").symlink_to(workspace / "submissions")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PODIUM_DB", f"sqlite:///{tmp_path}/boards/one.sqlite")
    write(tmp_path / "boards" / "one.sqlite")
    folder = data.load(*api.load("toy")).folder
    refused = {
        folder / "solution": "the data cache, with answers",
        folder.parent: "the data cache, with answers",
        workspaces.cache().parent: "the data cache, with answers",
        workspace / "submissions" / "toy" / "demo" / "bob": "submissions",
        tmp_path / "link": "submissions",
        workspace / "leaderboard": "the board",
        tmp_path / "boards": "the board",
        workspace / "predictions": "there is no such folder",
        toy.folder: "competitions",
        home: "keys of yours",
        home / ".ssh" / "key": "keys of yours",
        tmp_path / "downloads": "raw data, with answers",
        raw: "raw data, with answers",
        workspace: ": ",
        Path("/"): ": ",
        Path(tempfile.gettempdir()): "temporary files",
    }
    with pytest.raises(PodiumError, match="cannot be shown to a model") as error:
        seen(toy, tmp_path, more=list(refused))
    assert len(error.value.problems) == len(refused)
    for problem, (place, why) in zip(error.value.problems, refused.items(), strict=True):
        assert problem.startswith(f"{place}: ")
        assert why in problem
    more = [home / "tools", tmp_path / "another"]
    assert {*map(str, more)} <= {*seen(toy, tmp_path, more=more).read}


def test_raw_files_that_came_to_lie_in_a_package(workspace, toy, tmp_path, monkeypatch, raw_file):
    """One in the current folder, one of a finder: neither is seen, and an import says why."""
    for place in (workspace / "here", workspace / "plain", tmp_path / "project" / "mapped"):
        write(place / "__init__.py")
    site = write(tmp_path / "site" / "mine.pth", str(workspace)).parent
    monkeypatch.setattr(policy.site, "getsitepackages", lambda: [str(site)])
    monkeypatch.syspath_prepend(str(workspace))
    finder = Redirects(MAPPING={"mapped": str(tmp_path / "project" / "mapped")})
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder])
    before = seen(toy, tmp_path)
    assert read(before, workspace) == {"here", "plain"}
    assert read(before, tmp_path / "project") == {"mapped"}
    shutil.copy(raw_file, workspace / "here")
    shutil.copy(raw_file, tmp_path / "project" / "mapped")
    secret.look_anew()
    found = seen(toy, tmp_path)
    assert read(found, workspace) == {"plain"}
    assert not read(found, tmp_path / "project")
    told = walls.of_package(["here", "", ""], found, toy)
    assert f"{workspace / 'here' / raw_file.name}: raw data, with answers" in told
    assert "--see" not in told


def test_what_was_checked_is_shown_wherever_its_link_leads_now(toy, tmp_path, raw_file):
    """And a command looks anew for what an earlier one refused."""
    for name in ("one", "two"):
        write(tmp_path / name / "weights.txt")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "one")
    found = seen(toy, tmp_path, more=[link])
    assert str(link) not in found.read
    assert str(tmp_path / "one") in found.read
    link.unlink()
    link.symlink_to(tmp_path / "two")
    shutil.copy(raw_file, tmp_path / "two")
    with pytest.raises(PodiumError, match="cannot be shown"):
        seen(toy, tmp_path, more=[link])
    (tmp_path / "two" / raw_file.name).unlink()
    Limits(see=(link,))
    assert str(tmp_path / "two") in seen(toy, tmp_path, more=[link]).read


@LINUX
@pytest.mark.parametrize("swapped", [False, True])
def test_a_link_that_is_shown(workspace, toy, tmp_path, monkeypatch, swapped):
    """It leads where it led when it was checked, or nowhere."""
    write(tmp_path / "one" / "a.txt", "one")
    write(tmp_path / "two" / "a.txt", "two")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "one")
    if FILES in api.run("toy", model(name="plain.py"), submit=False).left_open:
        pytest.skip("this system leaves files open")
    start = starting.start

    def swap(*given):
        link.unlink()
        link.symlink_to(tmp_path / "two")
        return start(*given)

    if swapped:
        monkeypatch.setattr(starting, "start", swap)
    name = model(work=f"assert open({str(link / 'a.txt')!r}).read() == 'one'")
    if not swapped:
        assert api.run("toy", name, submit=False, see=[link]).file
        return
    with pytest.raises(ModelError, match=r"No such file|Permission"):
        api.run("toy", name, submit=False, see=[link])


def test_what_only_looks_like_a_raw_file(toy, tmp_path, raw_file, monkeypatch):
    """A link to nothing and a pipe hold nothing; a name alone says only that it may be one."""
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / raw_file.name).symlink_to("/nowhere")
    (tmp_path / "pipe").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe" / raw_file.name)
    for name in ("gone", "pipe"):
        assert not secret.why_not(tmp_path / name, toy)
    monkeypatch.setattr(secret, "_raw_files", lambda _: frozenset({("a.zip", ""), ("*.h5ad", "")}))
    for name in ("a.zip", "b.h5ad"):
        place = write(tmp_path / "named" / name)
        assert secret.why_not(place, toy).endswith("by its name it may be raw data, with answers")


def test_what_is_refused_ends_a_command_before_it_trains(workspace, toy, podium_cli):
    for command in (["run"], ["cv"], ["tune", "--trials", "1"]):
        done = podium_cli(*command, "toy", model(), "--see", workspace)
        assert done.status
        assert "What --see names cannot be shown to a model" in done.err
        assert done.err.count(str(workspace)) < 4
