"""Leak probes: does anything but the features' meaning tell the answers? Is the metric sound?

Like the checks of `podium.verify`, which runs them: the docstring says what holds, each line that
is yielded is a way in which it does not. A `Note` is worth a look and fails nothing. What is meant
to be so, a competition says in its facts: `accepted={"the check": "why"}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.columns import many
from podium.sketches import LONGEST, nearest, sketch
from podium.stats import difference

if TYPE_CHECKING:
    from podium.competition import Target
    from podium.model import Part
    from podium.verify import Case

SHARE, LEAST = 0.005, 3
"""Rows of the test part that are too many: this share of it, and not fewer than that."""
SURE, WORTH = 3.0, 0.02
"""A score is above a control by so many standard errors, and so much of the way to perfect."""
STRONG = 0.5
"""Lengths and missing values that lead so far on the way to perfect are no mere features."""
NEAR = 0.01
"""Rows are near each other below this distance: root mean square of standardised columns."""
ALIKE, ALIKE_TEXT = 0.5, 0.8
"""Share of the k-mers of sequences, and of words and sentences, that makes near-duplicates."""
KINDS = 50
"""Values of a column of kinds, whose lengths are the kinds themselves."""
SEQUENCE, TEXT = 12, 40
"""Median length from which a column is looked at as sequences or as texts."""
ENOUGH = 60
"""Rows from which a feature that goes with the answers does not do so by chance."""
COPY = 0.995
"""Rank correlation of a feature that is the target in other clothes."""
TOGETHER = 0.3
"""Share of the target's variance that lies between groups whose rows should stay together."""
FEW_ROWS = 20
"""Rows of a group, in the mean, below which a column names patients rather than kinds."""


class Note(str):
    """A finding that only the organiser can judge."""

    __slots__ = ()


def ids_and_order_tell_nothing(case: Case) -> Iterator[str]:
    """Trees on ids and the order of the rows alone score no better than the controls."""
    found = _guessing(case, _identity)
    if found is not None and found[0] > WORTH:
        yield f"ids and row order alone score {found[1]}"


def metadata_tell_little(case: Case) -> Iterator[str]:
    """Trees on lengths, missing values, ids and order alone do not come near a perfect score."""
    found = _guessing(case, _metadata)
    if found is None or found[0] <= WORTH:
        return
    line = f"ids, order, lengths and missing values alone score {found[1]}"
    yield line if found[0] > STRONG else Note(line)


def no_test_row_is_in_train(case: Case) -> Iterator[str]:
    """No row of test is also in train: not as it is, in other case or spaces, or nearly."""
    train, test = _features(case)
    if not len(train) or not train.shape[1]:
        return
    exact = _in_train(train, test, _as_is)
    folded = _in_train(train, test, _folded)
    for what, rows in (
        ("all features of a train row", exact),
        ("those of a train row but for case, spaces and the last digits", folded & ~exact),
        ("almost the numbers of a train row", _near_rows(train, test) & ~folded),
    ):
        if _too_many(rows):
            yield f"{_rows(rows)} {what}: {_examples(case, rows)}{_by_stratum(case, rows)}"


def no_test_text_is_nearly_in_train(case: Case) -> Iterator[str]:
    """No sequence or text of test is one of train, or nearly one, by their k-mers."""
    train, test = _features(case)
    if not len(train):
        return
    columns = [(name, _text(train[name]), _text(test[name])) for name in _texts(train)]
    for name, theirs, ours in [*columns, *_sequences(case)]:
        kind = _kind_of_text(theirs)
        if kind is None:
            continue
        k, least = kind
        code, texts = pd.factorize(ours)
        others = pd.unique(theirs)
        alike, other = nearest(sketch(list(texts), k), sketch(list(others), k))
        rows = (alike >= least)[code]
        if _too_many(rows):
            first = int(code[np.flatnonzero(rows)[0]])
            pair = f"{str(texts[first])[:30]!r} and {str(others[other[first]])[:30]!r}"
            where = _by_stratum(case, rows)
            yield f"{_rows(rows)} a {name} that trains, or nearly so: {pair}{where}"


def groups_stay_together(case: Case) -> Iterator[str]:
    """No column names groups (patients, plates) whose rows are alike and in train and test both."""
    train, test = _features(case)
    if not len(train):
        return
    values = _values(case)
    both = pd.concat([train, test], ignore_index=True)
    held = {kind for stratum in case.competition.strata for kind in stratum.unseen}
    for name in both:
        column = both[name]
        code, names = pd.factorize(column)
        few = len(column) / max(1, len(names)) <= FEW_ROWS
        if name in held or pd.api.types.is_float_dtype(column.dtype) or not few:
            continue
        if not 10 <= len(names) <= len(column) / 2:
            continue
        shared = test[name].isin(set(train[name])).mean()
        share = _between(code, len(names), values) - _along(column, values)
        if shared > 0.5 and share > TOGETHER:
            yield (
                f"{share:.0%} of what differs in the target lies between the {len(names):,} values "
                f"of {name!r}, and {shared:.0%} of the test rows have one that trains"
            )


def no_feature_is_the_target(case: Case) -> Iterator[str]:
    """No feature is the answer in other clothes."""
    train, test = _features(case)
    if len(train) + len(test) < ENOUGH:
        return
    both = pd.concat([train, test], ignore_index=True)
    for target in case.competition.targets:
        if target.matrix:
            continue
        answers = _answers(case, target).to_numpy(object if target.label else np.float64)
        for name in both:
            if _is_copy(both[name], answers, target):
                yield f"the feature {name!r} gives {target.name!r} away"


def no_constant_beats_the_controls(case: Case) -> Iterator[str]:
    """No constant, in the middle or at the edges of the range, scores above the best control."""
    if case.competition.matrix:
        return
    targets = case.competition.targets
    for target in targets:
        if not target.label and not np.isfinite([target.low, target.high]).all():
            yield Note(
                f"{target.name} has no range: any finite number is scored; give low and high"
            )
    best: dict[str, Any] = {}
    reached = -np.inf
    for constant in _constants(case):
        score = _score(case, constant)
        if not np.isfinite(score):
            yield f"{_shown(constant)} gives no finite score"
        elif score > reached:
            best, reached = constant, score
    lead = _lead(case, _everywhere(case, best)) if best else None
    if lead is not None and lead[0] > WORTH:
        yield f"{_shown(best)} everywhere scores {lead[1]}"


def worse_predictions_score_worse(case: Case) -> Iterator[str]:
    """The answers score best, with a third of the rows mixed up worse, with all of them worst."""
    if case.competition.matrix:
        return
    rng = np.random.default_rng(0)
    answers = {t.name: np.asarray(case.solution.targets[t.name]) for t in case.competition.targets}
    rows = len(next(iter(answers.values())))
    other, pick = rng.permutation(rows), rng.random(rows)
    scores = []
    for share in (0.0, 1 / 3, 1.0):
        mixed = np.where(pick < share, other, np.arange(rows))
        scores.append(_score(case, {name: values[mixed] for name, values in answers.items()}))
    if not scores[0] > scores[1] > scores[2]:
        shown = ", ".join(f"{_sign(case) * score:.4g}" for score in scores)
        yield f"the answers, a third mixed up, all mixed up: {shown}"


PROBES: tuple[Callable[[Case], Iterator[str]], ...] = (
    ids_and_order_tell_nothing,
    metadata_tell_little,
    no_test_row_is_in_train,
    no_test_text_is_nearly_in_train,
    groups_stay_together,
    no_feature_is_the_target,
    no_constant_beats_the_controls,
    worse_predictions_score_worse,
)
ADVICE: Mapping[str, str] = {
    "ids_and_order_tell_nothing": "shuffle the rows in data.py, and number them anew where ids "
    "grow with the target or with time",
    "metadata_tell_little": "see how missing values and lengths come about; fill or cut them "
    "alike for all rows if they were made together with the answers",
    "no_test_row_is_in_train": "drop duplicates in data.py before the split, or keep them "
    "together: a group for each set of equal rows (--split grouped)",
    "no_test_text_is_nearly_in_train": "cluster the texts and split whole clusters "
    "(--split grouped --by the cluster)",
    "groups_stay_together": "split by that column (podium new --split grouped --by it), unless "
    "new rows of known groups are what is asked for",
    "no_feature_is_the_target": "take the column out of the features in data.py",
    "no_constant_beats_the_controls": "add it as a control: Control(..., params={...})",
    "worse_predictions_score_worse": "see to higher_is_better in competition.py, and to finish() "
    "in metric.py",
}
"""What to do about a finding."""


def _guessing(case: Case, table: Callable[[Part], pd.DataFrame]) -> tuple[float, str] | None:
    """How far trees on a table get from the best control to perfect, if surely above it."""
    train, test = case.data.train(), case.data.part("test")
    if case.competition.matrix or not len(train) or train.targets is None:
        return None
    ours, theirs = table(train), table(test)
    predicted = {
        target.name: _boosted(ours, train.targets[target.name], theirs, target)
        for target in case.competition.targets
    }
    return _lead(case, predicted)


def _lead(case: Case, predicted: Mapping[str, Any]) -> tuple[float, str] | None:
    """How far predictions get from the best control to perfect, if they are surely above it."""
    primary, sign = case.competition.primary.name, _sign(case)
    found = case.solution.score(predicted)["all"].whole
    _, control = case.best_control
    gap, se, _ = difference(found, control, primary)
    way = abs(_perfect(case) - control.scores[primary])
    if se is None or sign * gap <= SURE * se or not way:
        return None
    scores = found.scores[primary], control.scores[primary]
    return sign * gap / way, "{:.4g}, the best control {:.4g}".format(*scores)


def _boosted(
    train: pd.DataFrame, answers: pd.Series[Any], test: pd.DataFrame, target: Target
) -> NDArray[Any]:
    """Predictions of one target by small trees."""
    import lightgbm as lgb

    settings: dict[str, Any] = {
        "learning_rate": 0.1,
        "num_leaves": 15,
        "min_data_in_leaf": max(5, len(train) // 200),
        "seed": 0,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    code: NDArray[Any] = answers.to_numpy()
    names: NDArray[Any] = np.empty(0)
    if target.label:
        names, code = np.unique(answers.to_numpy(object), return_inverse=True)
        settings |= {"objective": "multiclass", "num_class": max(2, len(names))}
    matrix = train.to_numpy(np.float64)
    booster = lgb.train(settings, lgb.Dataset(matrix, label=code), num_boost_round=60)
    raw = np.asarray(booster.predict(test.to_numpy(np.float64)))
    if target.label:
        return np.asarray(names[raw.argmax(axis=1) % len(names)])
    return np.asarray(np.clip(raw, target.low, target.high))


def _identity(part: Part) -> pd.DataFrame:
    """What ids and order tell: the place, the number in the id, its prefix and length."""
    ids = pd.Series(part.ids.astype(str))
    number = ids.str.extract(r"(\d{1,15})(?!.*\d)", expand=False).astype(np.float64)
    prefix = ids.str.replace(r"\d+", "", regex=True).map(_hashed)
    return pd.DataFrame(
        {
            "place": np.arange(len(ids)) / max(1, len(ids)),
            "number": number,
            "prefix": prefix,
            "length": ids.str.len(),
        }
    )


def _metadata(part: Part) -> pd.DataFrame:
    """The same, and lengths of texts and what is missing."""
    found = _identity(part)
    for place, name in enumerate(part.features):
        column = part.features[name]
        if column.isna().any():
            found[f"missing {place}"] = column.isna()
        text = not pd.api.types.is_numeric_dtype(column.dtype)
        if text and column.nunique() > min(KINDS, len(column) / 10):
            found[f"length {place}"] = _text(column).str.len()
    missing = part.features.isna().sum(axis=1)
    return _aligned(found.assign(missing=missing), part)


def _aligned(table: pd.DataFrame, part: Part) -> pd.DataFrame:
    """A column for each feature, so that train and test have the same."""
    places = range(part.features.shape[1])
    own = [name for name in table if not str(name).startswith(("missing ", "length "))]
    names = [f"{what} {place}" for place in places for what in ("missing", "length")]
    return table.reindex(columns=[*own, *names], fill_value=0)


def _hashed(text: str) -> int:
    return int(np.frombuffer(text.encode().ljust(8, b"\x00")[:8], dtype="<u8")[0] % 9973)


def _features(case: Case) -> tuple[pd.DataFrame, pd.DataFrame]:
    return case.data.train().features, case.data.part("test").features


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype(object).where(column.notna(), "").astype(str)


def _as_is(column: pd.Series[Any]) -> pd.Series[Any]:
    return column if pd.api.types.is_numeric_dtype(column.dtype) else _text(column)


def _folded(column: pd.Series[Any]) -> pd.Series[Any]:
    """Without case and spaces, and with six digits."""
    if not pd.api.types.is_numeric_dtype(column.dtype):
        text = _text(column).str.casefold()
        return text.str.replace(r"\s+", " ", regex=True).str.strip()
    values = column.to_numpy(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 10.0 ** (4 - np.floor(np.log10(np.abs(values))))
        rounded = np.where(np.isfinite(digits), np.round(values * digits) / digits, values)
    return pd.Series(rounded)


def _in_train(
    train: pd.DataFrame, test: pd.DataFrame, how: Callable[[pd.Series[Any]], pd.Series[Any]]
) -> NDArray[np.bool_]:
    """Which test rows have the features of a train row; none if it happens so by chance."""
    sides = [
        np.column_stack([pd.util.hash_array(how(side[name]).to_numpy()) for name in side])
        for side in (train, test)
    ]
    rng = np.random.default_rng(0)
    chance = np.column_stack([rng.permutation(column) for column in sides[1].T])
    train_keys, found, by_chance = (_row_keys(side) for side in (*sides, chance))
    rows = np.isin(found, train_keys)
    return np.asarray(rows & (rows.sum() > 3 * np.isin(by_chance, train_keys).sum()))


def _row_keys(columns: NDArray[np.uint64]) -> NDArray[np.uint64]:
    key = np.zeros(len(columns), dtype=np.uint64)
    for column in columns.T:
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(31)
    return key


def _near_rows(train: pd.DataFrame, test: pd.DataFrame) -> NDArray[np.bool_]:
    """Which test rows have almost the numbers of a train row; none if it happens so by chance.

    Candidates are near each other on three random projections; texts are not looked at.
    """
    from scipy.spatial import cKDTree

    names = [
        name
        for name in train
        if pd.api.types.is_float_dtype(train[name].dtype) and train[name].nunique() > 50
    ]
    nothing = np.zeros(len(test), dtype=bool)
    if len(names) < 3:
        return nothing
    middle, spread = train[names].median(), train[names].std()
    ours, theirs = (
        ((side[names] - middle) / spread.where(spread > 0, 1.0))
        .fillna(0.0)
        .clip(-10, 10)
        .to_numpy()
        for side in (test, train)
    )
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(len(names), 3)) / np.sqrt(len(names))
    tree = cKDTree(theirs @ axes)

    def near(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
        _, other = tree.query(rows @ axes, k=min(5, len(theirs)))
        gaps = theirs[np.reshape(other, (len(rows), -1))] - rows[:, None, :]
        return np.asarray((np.sqrt(np.square(gaps).mean(axis=2)) < NEAR).any(axis=1))

    found = near(ours)
    if not found.any():
        return nothing
    chance = near(np.column_stack([rng.permutation(column) for column in ours.T]))
    return np.asarray(found & (found.sum() > 3 * chance.sum()))


def _texts(table: pd.DataFrame) -> list[str]:
    return [str(n) for n in table if not pd.api.types.is_numeric_dtype(table[n].dtype)]


def _sequences(case: Case) -> Iterator[tuple[str, pd.Series[Any], pd.Series[Any]]]:
    """DNA that lies beside the features: its beginnings, of train and test."""
    parts = case.data.train(), case.data.part("test")
    packed: list[Any] = [getattr(part, "sequences", None) for part in parts]
    if all(side is not None for side in packed):
        letters = np.frombuffer(b"ACGTN", dtype=np.uint8)
        texts = [[row.tobytes().decode() for row in letters[s.codes[:, :LONGEST]]] for s in packed]
        yield "sequence", pd.Series(texts[0]), pd.Series(texts[1])


def _kind_of_text(column: pd.Series[Any]) -> tuple[int, float] | None:
    """Length of k-mers and least likeness of a column of sequences or texts; None for others."""
    there = column[column != ""]
    if not len(there) or there.nunique() < max(20, len(there) / 10):
        return None
    length = float(there.str.len().median())
    letters = set("".join(there.iloc[:2000].str.upper()))
    plain = all(re.fullmatch(r"[A-Z*-]", letter) for letter in letters)
    if plain and length >= SEQUENCE:
        few = len(letters) <= 6  # nucleotides
        return (6 if length < 60 else 12) if few else (3 if length < 60 else 5), ALIKE
    return (8, ALIKE_TEXT) if length >= TEXT else None


def _values(case: Case) -> NDArray[np.float64]:
    """Answers of train and test as columns of numbers [rows, columns]: one for each label."""
    columns = []
    for target in case.competition.targets:
        if target.matrix:
            continue
        values = _answers(case, target)
        if target.label:
            columns += [(values == label).to_numpy(np.float64) for label in values.unique()[:30]]
        else:
            columns.append(values.to_numpy(np.float64))
    rows = len(case.data.train()) + len(case.data.ids("test"))
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


def _answers(case: Case, target: Target) -> pd.Series[Any]:
    """The answers of train and then of test."""
    train, test = case.data.train().targets, pd.Series(case.solution.targets[target.name])
    return test if train is None else pd.concat([train[target.name], test], ignore_index=True)


def _between(code: NDArray[np.int64], groups: int, values: NDArray[np.float64]) -> float:
    """Share of the variance that lies between groups, without what chance gives (omega squared)."""
    known = code >= 0
    code, values = code[known], values[known]
    if not values.shape[1] or len(code) <= groups:
        return 0.0
    values = values - values.mean(axis=0)
    count = np.maximum(np.bincount(code, minlength=groups), 1)
    sums = np.stack([np.bincount(code, column, minlength=groups) for column in values.T], axis=1)
    total = np.square(values).sum()
    within = total - (np.square(sums) / count[:, None]).sum()
    return float(1 - (within / (len(code) - groups)) / max(total / (len(code) - 1), 1e-300))


def _along(column: pd.Series[Any], values: NDArray[np.float64]) -> float:
    """Share of the variance that a number explains as such, by its twentieths."""
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return 0.0
    part = np.floor(column.rank(pct=True).fillna(0).to_numpy() * 19.99).astype(np.int64)
    return max(0.0, _between(part, 20, values))


def _is_copy(column: pd.Series[Any], answers: NDArray[Any], target: Target) -> bool:
    """Whether one column alone gives the answers."""
    if not target.label and len(np.unique(answers)) > 2:
        if not pd.api.types.is_numeric_dtype(column.dtype) or column.nunique() < 3:
            return False
        ranks = [pd.Series(side).rank().to_numpy() for side in (column.fillna(0), answers)]
        return bool(abs(np.corrcoef(ranks[0], ranks[1])[0, 1]) > COPY)
    code, names = pd.factorize(answers)
    if len(names) < 2:
        return False
    if not pd.api.types.is_numeric_dtype(column.dtype):
        kinds, different = pd.factorize(column)
        if not 2 <= len(different) <= len(column) / 10:
            return False
        table = pd.crosstab(kinds, code).to_numpy()
        return bool(table.max(axis=1).sum() >= 0.999 * len(column))
    order = np.argsort(column.to_numpy(np.float64), kind="stable")
    values, sorted_code = column.to_numpy(np.float64)[order], code[order]
    if len(np.unique(values)) > len(names) and (np.diff(values) == 0).mean() > 0.9:
        return False
    return int((np.diff(sorted_code) != 0).sum()) == len(names) - 1


def _constants(case: Case) -> Iterator[dict[str, Any]]:
    """Predictions that are the same for every row."""
    targets = case.competition.targets
    answers = {t.name: np.asarray(case.solution.targets[t.name]) for t in targets}
    if len(targets) > 1 and not any(t.label for t in targets):
        for place in range(len(targets)):
            yield {t.name: t.high if n == place else t.low for n, t in enumerate(targets)}
        yield {t.name: float(answers[t.name].mean()) for t in targets}
        return
    for target in targets:
        others = {t.name: answers[t.name][0] for t in targets if t is not target}
        values = answers[target.name]
        if target.label:
            tries: list[Any] = list(pd.unique(values)[:100])
        else:
            edges = [v for v in (target.low, target.high, 0.0) if target.low <= v <= target.high]
            tries = [*np.quantile(values, np.linspace(0, 1, 21)), values.mean(), *edges]
            tries = [float(value) for value in tries if np.isfinite(value)]
            # Just beyond a threshold that many answers lie at.
            common = pd.Series(values).mode().iloc[0]
            tries += [v for v in (common - 1e-9, common + 1e-9) if target.low <= v <= target.high]
        yield from ({**others, target.name: value} for value in tries)


def _score(case: Case, values: Mapping[str, Any]) -> float:
    """The primary score of all test rows, turned so that more is better."""
    primary = case.competition.primary.name
    table = _everywhere(case, values)
    return _sign(case) * case.competition.metric.score(case.solution.targets, table)[primary]


def _everywhere(case: Case, values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Columns of the test part; a single value is that of every row."""
    rows = len(case.data.ids("test"))
    kinds = {t.name: object if t.label else np.float64 for t in case.competition.targets}
    return {
        name: value if np.ndim(value) else np.full(rows, value, dtype=kinds[name])
        for name, value in values.items()
    }


def _perfect(case: Case) -> float:
    primary = case.competition.primary
    if primary.perfect is not None:
        return primary.perfect
    return case.solution.perfect()["all"].whole.scores[primary.name]


def _sign(case: Case) -> int:
    return 1 if case.competition.primary.higher_is_better else -1


def _too_many(rows: NDArray[np.bool_]) -> bool:
    return bool(rows.sum() >= max(LEAST, SHARE * len(rows)))


def _rows(rows: NDArray[np.bool_]) -> str:
    count = int(rows.sum())
    return f"{many(count, 'test row')} ({count / len(rows):.1%}) have"


def _examples(case: Case, rows: NDArray[np.bool_]) -> str:
    ids = case.data.ids("test")
    return ", ".join(ids[int(row)].as_py() for row in np.flatnonzero(rows)[:3])


def _by_stratum(case: Case, rows: NDArray[np.bool_]) -> str:
    """How many of these test rows each stratum has, where there are several."""
    names = [stratum.name for stratum in case.competition.strata]
    if len(names) < 2:
        return ""
    stratum = case.split.set_index("id")["stratum"].reindex(case.data.ids("test").to_pylist())
    counts = [f"{name} {int((rows & (stratum == name).to_numpy()).sum())}" for name in names]
    return f" ({', '.join(counts)})"


def _shown(constant: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value!r}"
        for name, value in list(constant.items())[:3]
    )
