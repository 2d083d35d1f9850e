"""Models, on invented lines whose responses follow from their genes."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from podium.competitions.response.metric import TARGET
from podium.competitions.response.models.lowrank_domain_z import factorised
from podium.competitions.response.shared.lines import Lines, Responses, Scaling
from podium.competitions.response.shared.ridge import ridge
from sklearn.linear_model import Ridge as Theirs

from podium.competition import defaults
from podium.competition.part import Part

DRUGS = ("a", "b", "c", "d", "e", "f")
LINES = {"solid": 60, "blood": 20}
GENES = 40


def table() -> pd.DataFrame:
    """Genes of lines; those of blood are shifted and stretched."""
    rng = np.random.default_rng(0)
    context = np.repeat([*LINES], [*LINES.values()])
    genes = rng.normal(size=(len(context), GENES))
    blood = context == "blood"
    genes[blood] = 5.0 + 3.0 * genes[blood]
    names = [f"{name}{number}" for number, name in enumerate(context)]
    known = pd.DataFrame({"context": context, "site": "x"}, index=pd.Index(names, name="line"))
    columns = [f"G{number}" for number in range(GENES)]
    return known.join(pd.DataFrame(genes.astype(np.float32), known.index, columns))


def drugs() -> pd.DataFrame:
    """Two pathways."""
    index = pd.Index(DRUGS, name="drug")
    return pd.DataFrame({"pathway": ["p", "q"] * (len(DRUGS) // 2)}, index=index)


TABLES = {"lines": table(), "drugs": drugs()}


def weights() -> Any:
    """Of genes in each drug."""
    return np.random.default_rng(1).normal(size=(GENES, len(DRUGS))) / np.sqrt(GENES)


def part(context: str, name: str = "train", seed: int = 2) -> Part:
    """All pairs of the lines of a context but a tenth, with answers by weights and little noise."""
    rng = np.random.default_rng(seed)
    lines = TABLES["lines"]
    rows = np.flatnonzero(lines["context"] == context)
    genes = lines.iloc[rows].drop(columns=["context", "site"]).to_numpy(np.float64)
    scaled = (genes - genes.mean(axis=0)) / genes.std(axis=0)
    answers = scaled @ weights() + 3.0 * np.arange(len(DRUGS))
    answers += rng.normal(0, 0.1, answers.shape)
    line, drug = np.nonzero(rng.random(answers.shape) < 0.9)
    named = lines.index.to_numpy(object)[rows][line]
    return Part(
        name=name,
        ids=pd.Index([f"{one}/{DRUGS[other]}" for one, other in zip(named, drug, strict=True)]),
        features=pd.DataFrame({"line": named, "drug": np.array(DRUGS, object)[drug]}),
        targets=pd.DataFrame({TARGET: answers[line, drug]}),
        tables=TABLES,
        folds=line % 5,
        strata=np.full(len(line), context, dtype=object),
        groups=pd.DataFrame({"line": named}),
    )


NEURAL = ("ae", "vae", "dann", "code_ae")
NAMES = (
    *("drug_mean", "general_level", "knn_lines", "lightgbm", "ridge", "ridge_domain_z"),
    *("ridge_coral", "lowrank_domain_z", "kernel_sites", "stack", *NEURAL),
)
ADAPTING = ("ridge_domain_z", "lowrank_domain_z", "kernel_sites", "stack")
TRAIN, BLOOD = part("solid"), part("blood", "test")


def fitted(name: str, seed: int = 0, train: Any = TRAIN, **params: Any) -> Any:
    if name in NEURAL:
        pytest.importorskip("torch")
    module = import_module(f"podium.competitions.response.models.{name}")
    wanted = {**defaults(module.PARAMETERS), **getattr(module, "QUICK", {}), **params}
    model = module.build(wanted, seed)
    model.fit(train)
    return model


def r(table: pd.DataFrame, test: Any) -> float:
    """Mean over drugs of Pearson's r."""
    rows = test.features.assign(said=table[TARGET].to_numpy(), truth=test.targets[TARGET])
    return float(np.mean([k[["said", "truth"]].corr().iloc[0, 1] for _, k in rows.groupby("drug")]))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes(name):
    first, again = (fitted(name, 1).predict(BLOOD.without_answers()) for _ in range(2))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert list(first.columns) == ["id", TARGET]
    assert list(first["id"]) == list(BLOOD.ids)
    assert np.isfinite(first[TARGET]).all()


@pytest.mark.parametrize("name", ADAPTING)
def test_those_that_adapt_see_through_the_shift(name):
    assert r(fitted(name).predict(BLOOD), BLOOD) > 0.5


def test_one_that_does_not_is_thrown_off():
    adapted, plain = (fitted(name).predict(BLOOD) for name in ("ridge_domain_z", "ridge"))
    off = [np.abs(table[TARGET] - BLOOD.targets[TARGET]).mean() for table in (adapted, plain)]
    assert off[1] > 2 * off[0]


@pytest.mark.parametrize("name", NAMES)
def test_drugs_and_lines_that_never_trained(name):
    """Few rows train; a drug of no train row is said to be like the mean of all."""
    train = TRAIN.take((TRAIN.features["drug"] != "f").to_numpy())
    rows = BLOOD.without_answers()
    said = fitted(name, train=train).predict(rows)
    assert np.isfinite(said[TARGET]).all()
    new = (rows.features["drug"] == "f").to_numpy()
    if name != "stack":
        assert said[TARGET][new].to_numpy() == pytest.approx(train.targets[TARGET].mean())


@pytest.mark.parametrize("name", NAMES)
def test_a_handful_of_rows_is_enough(name):
    few = TRAIN.take(np.arange(0, len(TRAIN), 29))
    assert np.isfinite(fitted(name, train=few).predict(BLOOD)[TARGET]).all()


@pytest.mark.parametrize("name", ["ridge", "ridge_domain_z", "ridge_coral", "knn_lines"])
def test_lines_of_a_context_that_nobody_knew(name):
    """They are standardised by themselves, and others stay as they are."""
    model = fitted(name)
    lines = TABLES["lines"]
    new = lines[lines["context"] == "blood"].rename(index="new {}".format)
    new["context"] = "patients"
    tables = {**TABLES, "lines": pd.concat([lines, new])}
    named = "new " + BLOOD.features["line"]
    rows = replace(BLOOD, features=BLOOD.features.assign(line=named), tables=tables)
    said = model.predict(rows)[TARGET].to_numpy()
    np.testing.assert_allclose(said, model.predict(BLOOD)[TARGET].to_numpy(), rtol=1e-4)
    both = model.predict(replace(BLOOD, tables=tables))
    pd.testing.assert_frame_equal(both, model.predict(BLOOD), check_exact=True)


def test_ridge_is_scikit_learns():
    rng = np.random.default_rng(0)
    genes, responses = rng.normal(size=(30, 8)), rng.normal(size=(30, 3))
    responses[rng.random(responses.shape) < 0.2] = np.nan
    weights = ridge(genes, responses, 0.5)
    for drug in range(3):
        known = ~np.isnan(responses[:, drug])
        theirs = Theirs(alpha=0.5 * 8, fit_intercept=False).fit(
            genes[known], responses[known, drug]
        )
        np.testing.assert_allclose(weights[:, drug], theirs.coef_, rtol=1e-8)


def test_lines_of_one_site_are_more_alike():
    """What a site adds to each response is known where its lines train, beyond their genes."""
    tables = {**TABLES, "lines": TABLES["lines"].copy()}
    sites = np.where(np.arange(len(tables["lines"])) % 2, "x", "y")
    tables["lines"]["site"] = sites
    of_row = sites[tables["lines"].index.get_indexer(TRAIN.features["line"])]
    added = TRAIN.targets[TARGET] + 3.0 * (of_row == "x")
    train = replace(TRAIN, tables=tables, targets=pd.DataFrame({TARGET: added}))
    rows = train.take(train.folds == 0).without_answers()
    apart = []
    for site in (0.0, 1.0):
        said = fitted("kernel_sites", train=train, site=site).predict(rows)[TARGET].to_numpy()
        there = of_row[train.folds == 0] == "x"
        apart.append(said[there].mean() - said[~there].mean())
    assert apart[1] > apart[0] + 0.3


def test_factors_fill_gaps():
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 20))
    gaps = np.where(rng.random(whole.shape) < 0.1, np.nan, whole)
    lines, drugs = factorised(gaps, 3)
    assert np.abs(lines @ drugs - whole).max() < 0.1 * np.abs(whole).max()


def test_responses_are_standardised_for_each_drug():
    responses = Responses.of(TRAIN, TABLES["lines"].index)
    assert list(responses.drugs) == list(DRUGS)
    np.testing.assert_allclose(np.nanmean(responses.scaled, axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.nanstd(responses.scaled, axis=0), 1.0)


def test_a_context_is_standardised_by_all_of_its_lines():
    lines = Lines.of(TRAIN)
    learnt = np.flatnonzero(lines.context == "solid")[:5]
    genes = Scaling(lines, learnt, "context")(lines)
    for name in ("solid", "blood"):
        np.testing.assert_allclose(genes[lines.context == name].mean(axis=0), 0.0, atol=1e-6)
    source = Scaling(lines, learnt, "source")(lines)
    np.testing.assert_allclose(source[learnt].std(axis=0), 1.0)
