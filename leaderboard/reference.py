"""The reference boards: every shipped model on every dataset, whole test part, revealed.

    make reference                              # all of it: hours
    make reference OPTIONS="--jobs 4"           # four trainings side by side, or --dask ADDRESS
    python leaderboard/reference.py sirna demo  # one board
    python leaderboard/reference.py --readme    # only writes README.md from the *.jsonl files
    python leaderboard/reference.py --behaviour # only models.json: what models predict of few rows

A model runs again only if it predicts otherwise: what each predicts of a few rows after a tiny
training stands in `models.json`, with the sha256 of the files that did so. Each line is written as
soon as it is there: after Ctrl+C the same command goes on. Real datasets are fetched; one that
cannot be is left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from podium.competition.contract import Competition

    Behaviour = dict[str, Any]
    """What a model does: `files`, sha256 of those that do so; `params`, its defaults; `predicts`,
    numbers of a few rows, or for labels which of these rows have the same; `members`, what those
    of a stack do, as its tiny training may be of others."""

HERE = Path(__file__).resolve().parent
VARIANTS = {"sirna": {"lightgbm": [{"preset": "general"}]}}
"""Other parameters than the defaults that are worth a line of their own."""

HEAD = """# Leaderboard

Reference boards: the models that Podium ships, on the whole test part, revealed. `make reference`
makes them again (hours) and writes this page; `python leaderboard/reference.py --readme` writes it
from the `*.jsonl` files beside it, one a competition. To see those of one in a workspace of your
own, beside your submissions:

```sh
podium import leaderboard/sirna.jsonl
```

Each line of a file is a record with its provenance: parameters, seed, versions, time and memory
(see [docs/boards.md](../docs/boards.md)). `board.sqlite`, your own board, is not committed.
"""
BEGIN, END = "<!-- boards: leaderboard/reference.py writes them -->", "<!-- end of boards -->"
OLDER = " (an older model)"
MODELS = HERE / "models.json"
SHOWN = 48
"""Predictions of a model that are noted."""
NEAR, FAR, ALIKE = 2e-3, 2e-2, 0.97
"""Where only the machine is another: how near half of the numbers are, and how far all of them, as
shares of their standard deviation, and how many pairs of labels agree. A few may differ by more: a
tree that splits elsewhere and factors that swap ranks gave up to .008 in all, with and without
AVX-512."""
NETWORKS_NEAR = 0.2
"""The same of networks: one epoch under another order of additions gave up to 0.1 (2 of 11)."""
NORMAL = """
The normalised score is 0 for the best trivial control and 1 for perfect; intervals are 95 %.
Seconds are those of training on 2 cores without a GPU, or of the whole run where models learn from
what they predict. "An older model": it predicts otherwise now.
"""


def main() -> None:
    """Run what is asked for, export it, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("competition", nargs="?")
    parser.add_argument("dataset", nargs="?")
    parser.add_argument("--models", nargs="+", help="only these")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=int, default=1, help="trainings side by side")
    where.add_argument("--dask", help="address of a scheduler whose workers train")
    parser.add_argument("--readme", action="store_true", help="only write README.md")
    parser.add_argument("--behaviour", action="store_true", help="only write models.json")
    given = parser.parse_args()
    if not given.readme:
        from podium.competition import folders as competition

        for name in [given.competition] if given.competition else competition.names():
            with workspace():
                note_behaviour(name)
                if not given.behaviour:
                    run(name, given.dataset, given.models, jobs=given.jobs, dask=given.dask)
    for file, text in ({} if given.behaviour else pages()).items():
        file.write_text(text, encoding="utf-8")


@contextmanager
def workspace() -> Iterator[None]:
    """A fresh workspace, for as long as it is needed."""
    before = Path.cwd()
    kept = {name: os.environ.pop(name, None) for name in ("PODIUM_WORKSPACE", "PODIUM_DB")}
    with tempfile.TemporaryDirectory(prefix="podium-reference-") as scratch:
        os.chdir(scratch)
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.update({name: value for name, value in kept.items() if value is not None})


def run(
    name: str, dataset: str | None, only: list[str] | None, *, jobs: int, dask: str | None
) -> None:
    """Run a competition's models that the export does not have as they are; export after each."""
    from podium import api
    from podium.errors import DataError

    competition, _ = api.load(name)
    import_current(competition)
    models = sorted(set(competition.models) - trivial(competition))
    for entry in competition.datasets:
        if dataset not in (None, entry.name):
            continue
        try:
            api.prepare(name, entry.name)
        except DataError as error:
            sys.stderr.write(f"{name}/{entry.name} is left out: {error}\n")
            continue
        there = {row.name for row in api.board(name, entry.name) if row.status != "outdated"}
        lines = {
            " ".join([model, *(f"{key}={value}" for key, value in params.items())]): (model, params)
            for model in models
            for params in [{}, *VARIANTS.get(name, {}).get(model, [])]
            if only is None or model in only
        }
        for _ in trained(
            {shown: line for shown, line in lines.items() if shown not in there},
            competition=name,
            dataset=entry.name,
            jobs=jobs,
            dask=dask,
        ):
            api.reveal(name, entry.name)
            export(competition, entry.name)


def trivial(competition: Competition) -> set[str]:
    """Models that are a control as they are; with other parameters a control may be any model."""
    from podium.competition import model_file

    files = [
        (control, model_file.find(competition, control.model)) for control in competition.controls
    ]
    return {
        control.model
        for control, file in files
        if file.with_params(control.params).params == file.params
    }


def trained(
    lines: Mapping[str, tuple[str, Mapping[str, Any]]],
    *,
    competition: str,
    dataset: str,
    jobs: int,
    dask: str | None,
) -> Iterator[None]:
    """Train and hand in, side by side; yields after each that is on the board.

    Args:
        lines: Model and parameters by what the board shows.
        competition: Its name.
        dataset: Its name.
        jobs: How many trainings divide the cores of this machine.
        dask: The scheduler of a cluster that trains them instead.
    """
    from podium import api
    from podium.errors import ModelError
    from podium.execution import executors
    from podium.execution import jobs as trainings
    from podium.execution.worker import Limits

    memory = Limits().memory_mb / jobs if jobs > 1 else None
    ready = api.prepare(competition, dataset)
    with executors.opened(None if dask else jobs, dask) as executor:
        slots = executor.slots
    if threads := executors.threads(jobs):
        os.environ["OMP_NUM_THREADS"] = str(threads)

    def train(shown: str) -> bool:
        model, params = lines[shown]
        sys.stderr.write(f"{competition}/{dataset}: {shown}\n")
        try:
            api.run(
                competition,
                model,
                dataset=dataset,
                params=params,
                team="reference",
                dask=dask,
                limit_memory=memory,
            )
        except ModelError as error:
            if ready.has("public/train.parquet") and ready.rows("train"):
                raise
            sys.stderr.write(f"{shown} is left out: {error}\n")
            return False
        return True

    if slots == 1:
        for shown in lines:
            if train(shown):
                yield
        return
    with ThreadPoolExecutor(slots) as pool:
        futures = [pool.submit(train, shown) for shown in lines]
        try:
            for future in as_completed(futures):
                if future.result():
                    yield
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            trainings.end_all()
            raise


def export(competition: Competition, dataset: str) -> None:
    """Write the lines of a dataset, and the list by which Podium knows what it ships.

    Records of a version that is no more are left out. Those of other datasets stay as they were:
    their data need not be here, and what came by import is sealed.
    """
    from podium import api
    from podium.competition.version import former_names
    from podium.leaderboard import jsonl

    version = api.prepare(competition.name, dataset).version
    current = {version.name, *former_names(competition, version)}

    target = HERE / f"{competition.name}.jsonl"
    api.export_records("all.jsonl", competition.name)
    made = [json.loads(line) for line in Path("all.jsonl").read_text("utf-8").splitlines()]
    Path("all.jsonl").unlink()
    lines = [line for line in lines_of(competition.name) if line["dataset"] != dataset]
    lines += [
        line
        for line in made
        if line["dataset"] == dataset and line.get("version", version.name) in current
    ]
    order = [entry.name for entry in competition.datasets]
    lines.sort(key=lambda line: order.index(line["dataset"]))
    text = "".join(f"{jsonl.text_of(line)}\n" for line in lines)
    target.with_suffix(".tmp").write_text(text, encoding="utf-8")
    target.with_suffix(".tmp").replace(target)  # whole, whenever it is stopped
    known = sorted(jsonl.sha256_of(line) for line in lines_of(competition.name))
    text = "".join(f"{sha256}\n" for sha256 in known)
    (competition.data_folder / jsonl.SHIPPED).write_text(text, encoding="utf-8")


def import_current(competition: Competition) -> None:
    """Begin with what is exported, but for the lines of models that predict otherwise now."""
    from podium import api

    current = [
        line
        for line in lines_of(competition.name)
        if line["type"] != "record" or is_current(competition.name, line)
    ]
    if current:
        text = "".join(json.dumps(line) + "\n" for line in current)
        Path("current.jsonl").write_text(text, encoding="utf-8")
        api.import_records("current.jsonl")


def lines_of(name: str) -> list[dict[str, Any]]:
    """What a competition's export holds."""
    export = HERE / f"{name}.jsonl"
    text = export.read_text(encoding="utf-8") if export.is_file() else ""
    return [json.loads(line) for line in text.splitlines()]


def pages() -> dict[Path, str]:
    """README.md, and those of competitions that have a place for their boards; from the exports."""
    from podium.competition import folders as competition

    boards = {name: boards_of(name) for name in competition.names()}
    found = {HERE / "README.md": "".join([HEAD, *boards.values(), NORMAL])}
    for name, text in boards.items():
        file = HERE.parent / "competitions" / name / "README.md"
        readme = file.read_text(encoding="utf-8") if file.is_file() else ""
        if BEGIN in readme and END in readme:
            before, after = readme.partition(BEGIN)[0], readme.partition(END)[2]
            inside = text.replace("\n## ", "\n### ") + NORMAL
            found[file] = f"{before}{BEGIN}\n{inside}\n{END}{after}"
    return found


def boards_of(name: str) -> str:
    """All boards of a competition as Markdown."""
    from podium import api

    lines = lines_of(name)
    if not lines:
        return ""
    with workspace():
        api.import_records(HERE / f"{name}.jsonl")
        return "".join(board(name, entry.name, lines) for entry in api.load(name)[0].datasets)


def is_current(name: str, line: dict[str, Any]) -> bool:
    """Whether the model still does what it did when it made this line of a board's export.

    Where what it shares with others changed and its own file did not, the time tells.
    """
    if line["model"] is None:
        return True
    noted = behaviours().get(name, {}).get(line["model"], {"files": []})
    made_by_it = line["provenance"]["model_sha256"] in noted["files"]
    return made_by_it and line["created"] > noted.get("since", "")


def behaviours() -> dict[str, dict[str, Behaviour]]:
    """What each shipped model does, by competition, as it was noted last."""
    known: dict[str, dict[str, Behaviour]] = json.loads(MODELS.read_text(encoding="utf-8"))
    return known


def note_behaviour(name: str) -> None:
    """Note what a competition's models do: another file that does the same is one more of them.

    One that does something else, since what it shares with others changed, does so from now on.
    """
    from podium import api
    from podium.leaderboard.record import now as this_second

    competition, _ = api.load(name)
    known = behaviours()
    noted = known.setdefault(name, {})
    for model in set(noted) - set(competition.models):
        del noted[model]
    for model, now in computed(name).items():
        before = noted.get(model)
        if before and same(before, now):
            before["files"] = list(dict.fromkeys([*before["files"], *now["files"]]))
        else:
            again = before and set(before["files"]) & set(now["files"])
            noted[model] = {**now, "since": this_second()} if again else now
    MODELS.write_text(text_of(known), encoding="utf-8")


def text_of(known: dict[str, dict[str, Behaviour]]) -> str:
    """JSON with a line for each model."""
    boards = []
    for name, models in sorted(known.items()):
        rows = [
            f"  {json.dumps(m)}: {json.dumps(models[m], sort_keys=True)}" for m in sorted(models)
        ]
        boards.append(f" {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n }")
    return "{\n" + ",\n".join(boards) + "\n}\n"


def computed(name: str) -> dict[str, Behaviour]:
    """What the models do whose packages are installed: a tiny training on the default dataset."""
    import pandas as pd

    from podium import api
    from podium.verifying.under_test import DatasetUnderTest

    case = DatasetUnderTest(*api.load(name))
    noted, limit = {}, case.data.expected(len(case.tiny)).limit
    for model, worker in case.models():
        file = worker.model
        quick = {**worker.quick, **_short(file.params)}
        table = pd.read_parquet(worker.predict(quick, {"test": limit}, seed=0).files["test"])
        params = dict(file.params)
        noted[model] = {"files": [file.sha256], "params": params, "predicts": summary(table)}
    for behaviour in noted.values():
        dicts = (value for value in behaviour["params"].values() if isinstance(value, dict))
        if names := sorted({n.partition(":")[0] for some in dicts for n in some} & set(noted)):
            behaviour["members"] = {
                name: {key: noted[name][key] for key in ("params", "predicts")} for name in names
            }
    return noted


def _short(params: Mapping[str, Any]) -> dict[str, int]:
    """One epoch: in more, what machines round otherwise grows to a tenth of the spread."""
    return {"epochs": 1} if "epochs" in params else {}


def summary(table: pd.DataFrame) -> dict[str, list[float]]:
    """A few predictions: numbers to six digits, labels numbered in the order of their rows."""
    import numpy as np
    import pandas as pd

    columns = [name for name in table.columns if name != "id"]
    rows = np.arange(SHOWN) * len(table) // SHOWN
    if len(columns) > SHOWN:  # a matrix
        values = table[columns].to_numpy(np.float64)[rows, np.arange(SHOWN) * 61 % len(columns)]
        return {"matrix": [float(f"{value:.6g}") for value in values]}
    summed = {}
    for name in columns:
        column = table[name].iloc[rows]
        if pd.api.types.is_float_dtype(column.dtype):
            summed[name] = [float(f"{value:.6g}") for value in column]
        else:
            summed[f"{name} (labels)"] = [int(code) for code in pd.factorize(column)[0]]
    return summed


def same(a: Behaviour, b: Behaviour) -> bool:
    """Whether two models do the same, but for the machine."""
    import numpy as np

    if a["params"] != b["params"] or a["predicts"].keys() != b["predicts"].keys():
        return False
    members, others = a.get("members", {}), b.get("members", {})
    if members.keys() != others.keys():
        return False
    if not all(same(member, others[name]) for name, member in members.items()):
        return False
    for name, before in a["predicts"].items():
        old, new = np.asarray(before), np.asarray(b["predicts"][name])
        if name.endswith("(labels)"):
            pairs = (np.equal.outer(old, old) == np.equal.outer(new, new)).mean()
            if pairs < ALIKE:
                return False
        else:
            near, far = (NETWORKS_NEAR,) * 2 if "epochs" in a["params"] else (NEAR, FAR)
            scale = max(np.std(old), 1e-3 * np.abs(old).max())
            apart = np.abs(old - new)
            if np.median(apart) > near * scale or np.sqrt(np.mean(apart**2)) > far * scale:
                return False
    return True


def board(name: str, dataset: str, lines: list[dict[str, Any]]) -> str:
    """One board as Markdown; empty where there is none."""
    from podium import api

    competition, chosen = api.load(name, dataset)
    if not any(line["type"] == "record" and line["dataset"] == dataset for line in lines):
        return ""
    made = {line["submission"]: line["provenance"] for line in lines if line["type"] == "record"}
    rows = api.board(name, dataset, part="all")
    found = {stratum for row in rows for stratum in row.strata}
    strata = [stratum.name for stratum in competition.strata if stratum.name in found]
    strata = strata if len(strata) > 1 else []
    beside = [score.name for score in competition.scores if score.beside]
    header = ["rank", "name", "score", "interval", "normalised", *beside, *strata, "seconds"]
    table = [header, ["---"] * len(header)]
    for row in rows:
        interval = "" if row.ci_low is None else f"{row.ci_low:.3f} to {row.ci_high:.3f}"
        normalised = "" if row.normalised is None else f"{row.normalised:.3f}"
        provenance = made[row.submission]
        took = "seconds" if competition.transductive else "train_seconds"
        seconds = provenance.get(took)
        line = {"model": row.model, "provenance": provenance, "created": row.created}
        current = is_current(competition.name, line)
        table.append(
            [
                str(row.reference_rank or row.status),
                row.name + ("" if current else OLDER),
                f"{row.score:.4f}",
                interval,
                normalised,
                *(f"{row.metrics[score]:.4f}" for score in beside),
                *(f"{row.strata[stratum]:.4f}" for stratum in strata),
                "" if seconds is None else f"{seconds:.0f}",
            ]
        )
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
    primary = competition.primary.title
    return f"\n## {competition.title}: `{dataset}`\n\n{chosen.title}; {primary}.\n\n{text}\n"


if __name__ == "__main__":
    main()
