"""What `podium new` will write, once the organiser's flags and tables have been checked.

All that is wrong is collected, and said at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from podium.columns import first, many
from podium.creating.kaggle_sets import KaggleSet, usage
from podium.creating.kit import files_in
from podium.creating.own_metric import OwnMetric, Tried
from podium.creating.splits import GROUPS, How
from podium.data import tables
from podium.data.tables import OWN, Checked, Stand
from podium.errors import DataError
from podium.metrics import KNOWN, Known

if TYPE_CHECKING:
    import pandas as pd

    from podium.creating.options import NewOptions

FEWEST = 50
"""Labelled rows of a competition."""
FEWEST_OF_CLASS = 10
"""Rows of each class where probabilities are scored."""
MOST_CLASSES = 100
OF_ONE = ("f1", "precision", "recall")
"""Scores of one label among two."""
NEEDED = {
    "table": "--table FILE: the CSV file with ids, features and what to predict",
    "target": "--target COLUMN: the column to predict (once for each of several)",
    "metric": f"--metric NAME: the score that ranks; a metric file, or one of {', '.join(KNOWN)}",
}
GIVEN_PARTS = {
    "train": "train",
    "test": "",
    "public": "public",
    "private": "private",
    "ignored": "unused",
}
"""What a column of parts may say, and the part."""
PREDICTED = ("number", "label", "text")
"""What `--predict` may say."""
MOST_STRATA = 20
RAW = ("train.csv", "test.csv", "solution.csv")
"""What the tables are called in a competition's folder."""
LEARNT = 100
"""Different texts or labels up to which trees are a first model."""


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """A target column of a submission.

    Attributes:
        name: Of the column.
        source: The column of the table that it is made from.
        kind: `number`, `label`, `text`, or `class`: the probability of one.
        of: The label that it is the probability of.
        low: Of its range.
    """

    name: str
    source: str
    kind: str
    of: str = ""
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Spec:
    """All that the folder is written from.

    Attributes:
        files: Raw files by the name they get.
        targets: The columns to predict.
        predicted: The target columns of a submission.
        classes: Labels of the only target, sorted; none where numbers are predicted.
        kind: `number`, `label`, `text`, `probability` or `probabilities`.
        own: The metric file, where it is one.
        beside: Files that models are handed, by the pattern of their names.
        licence: Of the data, and their citation.
        perfect: What the answers score; None where that is no whole number.
        unit: The kind of group that is independent.
        dropped: Columns that are no features.
        answers: The column of answers in the solution, for each target.
        usage: Its column that says which half a row is in; empty if it has none.
        text: Columns of train and test that are read as they stand, beside the ids.
        solution_text: The same of the solution.
        whole: Whether train has all that the solution has.
        test_ids: Part of each id that is test already, empty where halves are to be drawn.
        learnable: Whether trees can learn it: there are not too many different texts.
        strata: The name of each value of `stratum_by`.
        notes: What was decided on the way.
        read: The tables by the name that their files get, until somebody takes them.
    """

    name: str
    files: Mapping[str, Path]
    row_id: str | None
    targets: tuple[str, ...]
    predicted: tuple[Predicted, ...]
    classes: tuple[str, ...]
    positive: str | None
    kind: str
    metric: str
    known: Known
    own: OwnMetric | None
    beside: Mapping[str, tuple[Path, ...]]
    licence: str
    citation: str
    perfect: float | None
    learnable: bool
    how: How
    by: str | None
    stratum_by: str | None
    strata: Mapping[str, str]
    given: tuple[str, ...]
    weight: str | None
    unit: str
    unseen: bool
    dropped: tuple[str, ...]
    test_ids: Mapping[str, str] | None
    answers: Mapping[str, str]
    usage: str
    text: tuple[str, ...]
    solution_text: tuple[str, ...]
    whole: bool
    rows: int
    open_rows: int
    notes: tuple[str, ...] = field(default=())
    read: dict[str, Checked] = field(default_factory=dict, repr=False, compare=False)

    @property
    def target(self) -> str:
        """The columns to predict, as a text."""
        return " and ".join(self.targets)

    @property
    def columns(self) -> tuple[str, ...]:
        """The target columns of a submission, by name."""
        return tuple(one.name for one in self.predicted)

    @property
    def several(self) -> bool:
        """Whether there is more than one target."""
        return len(self.targets) > 1

    @property
    def stratum(self) -> str:
        """What the only one is called, where no column says."""
        return {How.GROUPED: "new_groups", How.TIME: "later"}.get(self.how, "rows")

    @property
    def solved(self) -> bool:
        """Whether a solution has answers of its own."""
        return "solution.csv" in self.files


def missing(options: NewOptions) -> list[str]:
    """Which of the flags that there must be are not there; a sample may name the target."""
    needed = [name for name in NEEDED if not getattr(options, name)]
    return [name for name in needed if not (name == "target" and options.sample is not None)]


def specify(options: NewOptions, problems: Sequence[str] = ()) -> Spec:
    """Check flags and tables.

    Args:
        options: The flags.
        problems: What is known to be wrong already.

    Raises:
        DataError: With everything that is wrong.
    """
    checks = _Checks(options, list(problems))
    spec = checks.spec()
    if spec is None or checks.problems:
        count = len(checks.problems)
        raise DataError(
            f"No competition was written: {many(count, 'problem')}.",
            problems=checks.problems,
            hint="How it is done, with examples: podium new --help, and docs/organiser.md",
        )
    return spec


class _Checks:
    """Goes through the flags and tables and writes down what is wrong.

    Attributes:
        given: The tables, by what they are.
        known: The score that ranks; None if there is none of that name.
        number: Whether the target is a number; else it is a label.
        row_id: The column of ids, where there is one.
        targets: The columns to predict.
        for_metric: Columns that a metric file is given beside ids and answers.
    """

    def __init__(self, options: NewOptions, problems: list[str]) -> None:
        self.options, self.problems, self.notes = options, problems, list[str]()
        self.for_metric = tuple(options.given or ())
        self.problems += [f"missing: {NEEDED[name]}" for name in missing(options)]
        self.own = options.metric_file
        self.own_metric: OwnMetric | None = None
        self.known, self.how = self._metric(), self._how()
        self.number = self.known is not None and self.known.family == "regression"
        own = OWN if self.how == How.GIVEN or options.stratum else ()
        self.given = {
            name: Checked.of(path, may=own, stand=self._standing(name))
            for name, path in options.files.items()
        }
        self.row_id: str | None = None
        self.targets: tuple[str, ...] = ()

    def _standing(self, table: str) -> Stand | None:
        """Which columns are sure to be read as they stand, so that they are read once."""
        if self.own or not self.options.targets or table not in ("table", "test"):
            return None
        row_id, targets = self.options.row_id, self.options.targets
        guess = self.options.sample is None  # which names the ids, and is not read yet

        def columns(names: Sequence[str], texts: Sequence[str]) -> set[str]:
            called_id = [name for name in names if guess and name.casefold() == "id"]
            ids = [row_id] if row_id else called_id[:1]
            return {*texts, *ids} - set(targets)

        return columns

    @property
    def train(self) -> pd.DataFrame:
        """The table with the answers."""
        return self.given["table"].table

    def spec(self) -> Spec | None:
        """The spec, if nothing that it needs is wrong."""
        options, given = self.options, self.given
        self.problems += [problem for one in given.values() for problem in one.problems]
        if options.solution and not options.test:
            self.problems.append("--solution needs --test: the rows that it has the answers of")
        if "table" not in given or any(one.problems for one in given.values()) or not self.known:
            return None
        self.row_id, targets = self._row_id(), self._targets()
        if not targets:
            return None
        self.targets = targets
        ids = [self.row_id] if self.row_id else []
        beside = [name for name in (options.by, options.stratum, options.weight) if name]
        own = [] if options.solution else [*self.for_metric]
        lacking = given["table"].lacking([*ids, *targets, *beside, *own])
        for name in ("test", "solution"):
            if name in given:
                lacking += given[name].lacking(ids)
        if "solution" in given:
            lacking += given["solution"].lacking(self.for_metric)
        if self.row_id in self.for_metric:
            lacking.append(f"--given {self.row_id!r}: the metric is given the ids anyway")
        if lacking:
            self.problems += lacking
            return None
        tried = self._try() if self.own else None
        if self.own and tried is None:
            return None
        self._read_as_text()
        for one in self.given.values():
            if self.row_id and self.row_id in one.table:
                self.problems += one.id_problems(self.row_id)
        twice = [n for n in (*ids, *beside, *self.for_metric) if n in targets]
        if twice or len(set(targets)) < len(targets):
            names = ", ".join(map(repr, twice or targets))
            self.problems.append(
                f"--target cannot name a column twice, or one used otherwise: {names}"
            )
            return None
        trouble = list[str]()
        if tried is None or tried.kind != "text":
            for target in targets:
                trouble += self.given["table"].target_problems(target, number=self.number)
        self.problems += trouble
        return None if trouble else self._rest(self.known, tried)

    def _try(self) -> Tried | None:
        """What the metric file makes of the answers: their kind, and which way the score runs."""
        options, row_id = self.options, self.row_id
        if row_id is None:
            self.problems.append("--metric FILE needs --id COLUMN: the ids that it is given")
            return None
        answers, names = self.train, [row_id, *self.targets, *self.for_metric]
        if "solution" in self.given:
            answers = self.given["solution"].table
            if half := usage(self.given):
                scored = answers[half].astype(str).str.strip().str.casefold() != "ignored"
                answers = answers[scored.to_numpy(np.bool_)].drop(columns=half)
            names = [str(name) for name in answers]
        try:
            own = OwnMetric.of(options.metric_file or Path(), row_id)
            tried = own.tried(answers[names], row_id, list(self.targets))
        except DataError as error:
            self.problems.append(str(error))
            return None
        if options.predict:
            tried = replace(tried, kind=options.predict)
        lower = options.lower_is_better
        if lower is None and tried.higher_is_better is None:
            self.problems.append(
                f"--metric {own.file.name} gives the answers {tried.perfect:.4g}, and mixed up the "
                "same: say --higher-is-better or --lower-is-better"
            )
            return None
        higher = bool(tried.higher_is_better) if lower is None else not lower
        better = "higher" if higher else "lower"
        mixed = "are refused" if tried.mixed is None else f"score {tried.mixed:.4g}"
        self.notes.append(
            f"{better.capitalize()} is better: the answers score {tried.perfect:.4g}, mixed up "
            f"they {mixed} (--lower-is-better says it otherwise)."
        )
        self.notes.append(
            f"A submission holds {tried.kind}s, as the metric takes them (--predict)."
        )
        self.own_metric, self.number = own, tried.kind == "number"
        self.known = Known(title=own.file.stem, family="own", higher_is_better=higher)
        return tried

    def _read_as_text(self) -> None:
        """Read the tables again, their texts, ids, labels and groups as they stand in the files."""
        given, by = self.given, self.options.by
        sample = [*map(str, given["sample"].table.columns)] if "sample" in given else list[str]()
        rows = {name for table in ("table", "test") if table in given for name in given[table].text}
        beside = {self.options.stratum} if self.options.stratum else set[str]()
        for name, one in given.items():
            targets = {n for n in (*self.targets, *sample[1:]) if n in one.table}
            texts = set(one.text) if name == "solution" else set(rows)
            texts = texts - targets if self.number else texts | targets
            texts |= {self.row_id} if self.row_id else set()
            texts |= {by} if by and self.how in (How.GROUPED, How.GIVEN) else set()
            given[name] = one.with_text(sorted(texts | beside))

    def _rest(self, known: Known, tried: Tried | None) -> Spec | None:
        options, given, train, row_id = self.options, self.given, self.train, self.row_id
        answers, parts = self._answers(tried)
        columns = {name: train[name] for name in self.targets}
        kind = tried.kind if tried else _family_kind(known)
        labels = (
            {}
            if kind in ("number", "text")
            else {
                name: self._classes(name, tables.labels(column), known)
                for name, column in columns.items()
            }
        )
        classes = next(iter(labels.values()), ()) if len(labels) == 1 else ()
        if kind == "probability" and len(classes) > 2:
            kind = "probabilities"
        predicted, positive = self._predicted(kind, columns, labels, known)
        learnable = kind == "number" or all(
            tables.labels(column).nunique() <= LEARNT for column in columns.values()
        )
        if kind in ("label", "probability", "probabilities"):
            learnable = True
        strata, beside = self._strata(), self._beside()
        if self.how == How.GIVEN:
            self._check_given_parts()
        rows = len(train)
        if parts is not None and "test" in given:
            rows += sum(part != "open" for part in parts.values())
        for column in columns.values():
            self._check_rows(column)
        self._check_by()
        self._check_weight(known)
        if self.problems:
            return None
        scored = {k: v for k, v in parts.items() if v != "open"} if parts else None
        test = given["test"].table if "test" in given else None
        rows_text = [name for t in ("table", "test") if t in given for name in given[t].text]
        solution = given.get("solution")
        theirs = [] if solution is None else [*map(str, solution.table)]
        perfect = round(tried.perfect, 9) if tried else known.perfect
        raw = {
            f"{k.replace('table', 'train')}.csv": one for k, one in given.items() if k != "sample"
        }
        return Spec(
            name=options.name,
            files={name: one.path for name, one in raw.items()},
            read=raw,
            row_id=row_id,
            targets=self.targets,
            predicted=predicted,
            classes=classes,
            positive=positive,
            kind=kind,
            metric="score" if tried else str(options.metric),
            known=known,
            own=self.own_metric,
            beside=beside,
            licence=options.licence or "to fill in",
            citation=options.citation or "to fill in",
            perfect=perfect if perfect == round(perfect) else None,
            learnable=learnable,
            how=self.how,
            by=options.by,
            stratum_by=options.stratum,
            strata=strata,
            given=self.for_metric if solution is None else (),
            weight=options.weight,
            unit={How.GROUPED: "group", How.TIME: "period"}.get(self.how, "row"),
            unseen=self._unseen(test if scored else None),
            dropped=self._dropped(test),
            test_ids=scored,
            answers=answers,
            usage=usage(given),
            text=tuple(name for name in dict.fromkeys(rows_text) if name != row_id),
            solution_text=tuple(n for n in (solution.text if solution else []) if n != row_id),
            whole=set(theirs) - {usage(given)} <= set(train),
            rows=rows,
            open_rows=0 if test is None else len(test) - len(scored or {}),
            notes=tuple(self.notes),
        )

    def _predicted(
        self,
        kind: str,
        columns: Mapping[str, pd.Series],
        labels: Mapping[str, tuple[str, ...]],
        known: Known,
    ) -> tuple[tuple[Predicted, ...], str | None]:
        """The target columns of a submission, and the label that is positive."""
        if kind == "probabilities":
            ((target, classes),) = labels.items()
            self._positive(target, classes, known)
            names = self._columns(target, classes)
            pairs = zip(names, classes, strict=True)
            return tuple(
                Predicted(name=name, source=target, kind="class", of=of) for name, of in pairs
            ), None
        found, positive = list[Predicted](), None
        for name, target in zip(self._columns(), columns, strict=True):
            made = Predicted(name=name, source=target, kind=kind)
            if kind == "number":
                low, high = _range(columns[target])
                made = replace(made, low=low, high=high)
            if kind in ("label", "probability"):
                positive = self._positive(target, labels[target], known)
            if kind == "probability":
                made = replace(made, kind="class", of=positive or "")
                if len(labels[target]) != 2:
                    self.problems.append(
                        f"of several targets each has one probability: {target!r} has "
                        f"{len(labels[target])} labels, two are expected; take a score of labels"
                    )
            found.append(made)
        return tuple(found), positive

    def _strata(self) -> dict[str, str]:
        """The name of each stratum by the value of its column."""
        name = self.options.stratum
        if name is None:
            return {}
        values = self.train[name]
        where = f"--stratum {name}"
        if values.isna().any():
            self.problems.append(f"{where}: {many(int(values.isna().sum()), 'row')} without it")
        texts = sorted(tables.labels(values.dropna()).dropna().unique())
        if not 2 <= len(texts) <= MOST_STRATA:
            self.problems.append(
                f"{where}: {many(len(texts), 'different value')}; 2 to {MOST_STRATA} are expected"
            )
        named = {text: re.sub(r"\W+", "_", text.casefold()).strip("_") or "none" for text in texts}
        if len(set(named.values())) < len(named):
            self.problems.append(
                f"{where}: values differ in signs alone: {first(texts, len(texts))}"
            )
        return named

    def _beside(self) -> dict[str, tuple[Path, ...]]:
        """Files that models are handed, by a pattern: of a folder one for each ending."""
        patterns: dict[str, list[Path]] = {}
        named: dict[str, list[Path]] = {}
        for place in dict.fromkeys(map(Path, self.options.beside or ())):
            if not place.exists():
                self.problems.append(f"--beside {place}: there is no such file or folder")
                continue
            place = place if place.name not in ("", "..") else place.resolve()
            named.setdefault(place.name.casefold(), []).append(place)
            files = files_in(place)
            if not files:
                self.problems.append(f"--beside {place}: there is no file in it")
            # a file without an ending takes the pattern of all
            endings = {file.suffix for file in files}
            for file in files:
                ending = "" if "" in endings else escape(file.suffix)
                pattern = f"{escape(place.name)}/*{ending}" if place.is_dir() else file.name
                patterns.setdefault(pattern, []).append(file)
        for name, places in named.items():
            if name in RAW:
                self.problems.append(
                    f"--beside {places[0]}: the table {name} has that name: rename it"
                )
            if len(places) > 1:
                self.problems.append(f"--beside: {len(places)} are called {name!r}: rename them")
        return {pattern: tuple(files) for pattern, files in patterns.items()}

    def _check_given_parts(self) -> None:
        """Whether the column of parts says train, and test in one way."""
        by = str(self.options.by)
        parts = part_names(self.train[by])
        where = f"--split given --by {by}"
        odd = sorted(set(parts) - set(GIVEN_PARTS))
        if odd:
            self.problems.append(
                f"{where}: {', '.join(GIVEN_PARTS)} are expected, not {first(odd, len(odd))}"
            )
        test = {"test", "public", "private"} & set(parts)
        if "train" not in set(parts) or test not in ({"test"}, {"public", "private"}):
            self.problems.append(
                f"{where}: some rows must be train, and others test, or public and private"
            )

    def _check_weight(self, known: Known) -> None:
        weight = self.options.weight
        if weight is None:
            return
        if known.family in ("own", "ranking", "ranked"):
            self.problems.append(
                f"--weight is for sums over rows, not for {self.options.metric}: a metric file "
                f"takes it with --given {weight}"
            )
            return
        from pandas.api.types import is_numeric_dtype

        numbers = self.train[weight]
        if not is_numeric_dtype(numbers.dtype) or not (numbers > 0).all():
            self.problems.append(f"--weight {weight}: every row needs a number above 0")

    def _answers(self, tried: Tried | None) -> tuple[Mapping[str, str], Mapping[str, str] | None]:
        """The solution's columns of answers and each test id's part, where there is a test."""
        if "test" not in self.given or self.row_id is None:
            return {}, None
        if self.how == How.GIVEN:
            self.problems.append(
                "--split given is of one table: --test and --solution say it already"
            )
        kaggle = KaggleSet(
            given=self.given,
            row_id=self.row_id,
            targets=self.targets,
            number=self.number,
            text=tried is not None and tried.kind == "text",
        )
        answer, parts = kaggle.answers()
        self.problems += kaggle.problems
        if "solution" not in self.given:
            self.notes.append(
                "Test rows have no answers here: they are open (predicted, not scored); the "
                "scored test part is taken from train."
            )
        return answer, parts

    def _metric(self) -> Known | None:
        predict, file = self.options.predict, self.own
        if predict and predict not in PREDICTED:
            self.problems.append(f"--predict {predict!r} is unknown: {', '.join(PREDICTED)}")
        if file is None and (predict or self.for_metric or self.options.lower_is_better):
            self.problems.append("--predict, --given and --lower-is-better are for a metric file")
        if file is not None:
            return Known(title=file.stem, family="own")
        name = None if self.options.metric is None else str(self.options.metric)
        if name is None or name in KNOWN:
            return KNOWN[name] if name else None
        near = get_close_matches(name.lower().replace("-", "_"), KNOWN, n=1, cutoff=0.5)
        guess = f" did you mean {near[0]!r}?" if near else ""
        self.problems.append(
            f"--metric {name!r} is unknown:{guess} there are {', '.join(KNOWN)}; any other, one "
            "from Kaggle or mle-bench too, is given as a file: --metric FILE.py"
        )
        return None

    def _how(self) -> How:
        options = self.options
        known = KNOWN.get(str(options.metric))
        usual = How.RANDOM if known is None or known.family == "regression" else How.STRATIFIED
        if options.split is None:
            how = usual
        elif options.split in list(How):
            how = How(options.split)
        else:
            self.problems.append(
                f"--split {options.split!r} is unknown: there are {', '.join(How)}"
            )
            return usual
        grouped = how in (How.GROUPED, How.TIME, How.GIVEN)
        if grouped and options.by is None:
            what = {How.GROUPED: "groups that stay together", How.TIME: "times"}.get(how, "parts")
            self.problems.append(f"--split {how} needs --by COLUMN: the column of the {what}")
        if options.by is not None and not grouped:
            self.problems.append(f"--by {options.by} needs --split grouped, time or given")
        return how

    def _row_id(self) -> str | None:
        """The column of ids."""
        options = self.options
        if options.row_id is not None:
            return options.row_id
        if "sample" in self.given:
            return str(self.given["sample"].table.columns[0])
        names = [str(name) for name in self.train.columns]
        called_id = [name for name in names if name.casefold() == "id"]
        if called_id:
            return called_id[0]
        if "test" in self.given:
            self.problems.append("missing: --id COLUMN: the column of ids, in train and test alike")
        self.notes.append("There is no column of ids (--id): rows are numbered, in a random order.")
        return None

    def _targets(self) -> tuple[str, ...]:
        """The columns to predict: named, or those that the sample has too."""
        if self.options.targets or "sample" not in self.given:
            return self.options.targets
        sample = self.given["sample"].table
        shared = [str(name) for name in sample.columns[1:] if name in self.train]
        if shared and len(shared) == len(sample.columns) - 1:
            return tuple(shared)
        self.problems.append(f"missing: {NEEDED['target']}")
        return ()

    def _classes(self, target: str, column: pd.Series, known: Known) -> tuple[str, ...]:
        """The labels, sorted."""
        counts, metric = column.value_counts(), self.options.metric
        names = sorted(map(str, counts.index))
        if len(names) > max(2, len(column) / 2) and known.family not in ("own", "ranked"):
            self.problems.append(
                f"{target!r} has {len(names):,} labels in {len(column):,} rows: no classes"
            )
        elif known.family == "probabilities" and len(names) > MOST_CLASSES:
            self.problems.append(
                f"{target!r} has {len(names):,} classes: a column of probabilities for each is "
                f"possible up to {MOST_CLASSES}; take f1_macro or accuracy"
            )
        if (known.family == "ranking" or metric in OF_ONE) and len(names) > 2:
            other = "log_loss" if known.family == "ranking" else "f1_macro"
            self.problems.append(
                f"{metric} is of two classes; {target!r} has {len(names)}: take {other}"
            )
        if known.family in ("probabilities", "ranking") and len(names) <= MOST_CLASSES:
            self.problems += [
                f"class {name!r} of {target!r} has {many(int(counts[name]), 'row')}: "
                f"{FEWEST_OF_CLASS} or more are needed"
                for name in names
                if counts[name] < FEWEST_OF_CLASS
            ]
        return tuple(names)

    def _positive(self, target: str, classes: tuple[str, ...], known: Known) -> str | None:
        """The label that is positive, where two classes are not alike."""
        metric = self.options.metric
        alike = known.family not in ("probabilities", "ranking") and metric not in OF_ONE
        two = len(classes) == 2 and not alike
        if self.options.positive is not None and self.options.positive not in classes:
            there = first([repr(name) for name in classes], len(classes)) or "none"
            self.problems.append(
                f"--positive {self.options.positive!r} is no label: there are {there}"
            )
        if not two:
            return None
        chosen = self.options.positive or classes[-1]
        of = f" of {target!r}" if len(self.targets) > 1 else ""
        self.notes.append(f"{chosen!r} is the positive class{of} (--positive).")
        return chosen

    def _columns(self, target: str = "", classes: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The target columns of a submission: as the sample has them."""
        own = tuple(f"{target}_{name}" for name in classes) or self.targets
        if "sample" not in self.given:
            return own
        sample = self.given["sample"]
        names = [str(name) for name in sample.table.columns if name != self.row_id]
        if classes and len(names) == len(classes):
            by_class = {
                name: [n for n in names if n == name or n.endswith(name)] for name in classes
            }
            if all(len(columns) == 1 for columns in by_class.values()):
                return tuple(columns[0] for columns in by_class.values())
        elif len(own) == len(names) == 1 or set(names) == set(own):
            return tuple(names) if len(own) == 1 else own
        self.problems.append(
            f"{sample.path.name} has the columns {first(names, len(names))} beside the "
            f"ids; {self.options.metric} of {', '.join(map(repr, self.targets))} would have "
            f"{first(list(own), len(own))}"
        )
        return own

    def _check_rows(self, column: pd.Series) -> None:
        if len(column) < FEWEST:
            self.problems.append(
                f"{self.given['table'].path.name} has {many(len(column), 'row')}: {FEWEST} or more "
                "are needed for a train part with five folds and a test part with two halves"
            )
        if self.options.metric == "rmsle" and float(column.min()) < 0:
            self.problems.append(
                f"rmsle takes no values below 0; {column.name!r} has {column.min():g}"
            )

    def _check_by(self) -> None:
        by, how, train = self.options.by, self.how, self.train
        if by is None or how not in (How.GROUPED, How.TIME):
            return
        if by == self.row_id and how == How.GROUPED:
            self.problems.append(f"{by!r} is the column of ids: --split grouped needs another")
        elif train[by].isna().any():
            self.problems.append(
                f"--by {by}: {many(int(train[by].isna().sum()), 'row')} without it"
            )
        elif how == How.TIME and tables.moments(train[by]).isna().any():
            odd = train.loc[tables.moments(train[by]).isna(), by].astype(str).tolist()
            self.problems.append(
                f"--by {by}: {many(len(odd), 'value')} no number nor a date as in 2025-12-31: "
                f"{first(odd[:6], len(odd))}"
            )
        elif train[by].nunique() < GROUPS:
            self.problems.append(
                f"--by {by}: {many(train[by].nunique(), 'different value')}; {GROUPS} or more are "
                "needed"
            )

    def _unseen(self, test: pd.DataFrame | None) -> bool:
        """Whether no group or period of the scored test rows is in train."""
        import pandas as pd

        by, how, train = self.options.by, self.how, self.train
        if how in (How.GROUPED, How.TIME) and test is not None and by in test:
            both = pd.concat([train[by], test[by]])
            both = tables.labels(both) if how == How.GROUPED else both
            return not set(both[: len(train)]) & set(both[len(train) :])
        return how in (How.GROUPED, How.TIME)

    def _dropped(self, test: pd.DataFrame | None) -> tuple[str, ...]:
        """Columns that are no features: groups that are held out, and what test does not have."""
        by = self.options.by
        dropped = [by] if self.how == How.GROUPED and by else list[str]()
        options = self.options
        beside = [n for n in (options.stratum, options.weight, *self.for_metric) if n]
        if self.how == How.GIVEN and by:
            beside.append(by)
        names = [str(n) for n in self.train.columns if n not in (self.row_id, *self.targets)]
        in_test = () if test is None else set(map(str, test))
        beside = [n for n in dict.fromkeys(beside) if n in names and n not in in_test]
        if beside:
            self.notes.append(f"{first(beside, len(beside))}: no feature.")
        if dropped:
            self.notes.append(
                f"{dropped[0]!r} is no feature, as its groups do not train: it is a group."
            )
        if test is not None:
            own = [n for n in names if n not in test and n not in (*dropped, *beside)]
            if own:
                self.notes.append(
                    f"Only train has {first(own, len(own))}: left out of the features."
                )
            dropped += own
        dropped += [n for n in beside if n not in dropped]
        features = [n for n in names if n not in dropped]
        read = [one.table for name, one in self.given.items() if name != "sample"]
        if self.row_id not in (None, "id") and any("id" in table for table in read):
            self.problems.append(
                f"there is a column 'id' beside the ids {self.row_id!r}: rename it"
            )
        if not features:
            self.problems.append("there is no feature: no column beside ids, target and groups")
        return tuple(dropped)


def part_names(column: pd.Series) -> pd.Series:
    """What a column of parts says, as the keys of `GIVEN_PARTS`."""
    return column.astype(str).str.strip().str.casefold()


def _family_kind(known: Known) -> str:
    """What is predicted for a ready-made score."""
    kinds = {"regression": "number", "labels": "label", "ranked": "text"}
    return kinds.get(known.family, "probability")


def _range(column: pd.Series) -> tuple[float, float]:
    """A range with room for any answer: as wide again on both sides; not below 0 if none is.

    Of answers in [0, 1] it is that.
    """
    low, high = float(column.min()), float(column.max())
    if low >= 0 and high <= 1:  # shares, or what is false and true
        return 0.0, 1.0
    span = high - low
    digits = int(np.floor(np.log10(span))) - 1
    step = 10.0**digits
    bottom = np.floor((low - span) / step) * step
    top = np.ceil((high + span) / step) * step
    return (0.0 if low >= 0 else round(float(bottom), -digits)), round(float(top), -digits)
