"""The real matrices, and people's own files: every way round, odd ones and broken ones."""

import shlex
import zipfile

import numpy as np
import pandas as pd
import pytest
from podium.competitions.imputation.data import prepare as rooms
from podium.competitions.imputation.data import split
from podium.competitions.imputation.data.matrix_files import Matrix
from scipy.sparse import csr_array

from podium import api
from podium.data import dataset as data
from podium.data import h5ad
from podium.errors import DataError, PodiumError
from podium.scoring.scoring import open_solution

FILES = "test_data.csv", "test_truedata.csv", "data.csv"


def matrices(cells=20, genes=30, opened=10, seed=0):
    """Truth, observed and open counts, with names."""
    rng = np.random.default_rng(seed)
    truth = pd.DataFrame(rng.poisson(3, (cells, genes)))
    truth.index = [f"Cell{number}" for number in range(1, cells + 1)]
    truth.columns = [f"Gene{number}" for number in range(1, genes + 1)]
    observed = truth.where(rng.random(truth.shape) < 0.6, 0)
    unknown = pd.DataFrame(rng.poisson(1, (opened, genes)), columns=truth.columns)
    unknown.index = [f"Cell{number}" for number in range(101, 101 + opened)]
    return {"observed": observed, "truth": truth, "unknown": unknown}


def folder(path, observed, truth, unknown=None, **how):
    for name, table in zip(FILES, (observed, truth, unknown), strict=True):
        if table is not None:
            table.to_csv(path / name, **how)
    return path


def prepared(path):
    return rooms.course({file.name: file for file in path.iterdir()})


def held(counts):
    ((_, _, matrix, genes),) = counts.read()
    return matrix.toarray(), genes.tolist()


def is_that(dataset, observed, truth, unknown=None):
    """Whether prepared data are these tables."""
    seen = observed if unknown is None else pd.concat([observed, unknown])
    counts, genes = held(dataset.counts)
    assert (counts == seen.to_numpy()).all()
    assert genes == list(truth.columns)
    real, genes = held(dataset.truth)
    assert (real == truth.to_numpy()).all()
    assert genes == list(truth.columns)
    assert list(dataset.features["id"]) == list(seen.index)
    for table in (dataset.targets, dataset.groups):
        assert list(table["id"]) == list(truth.index)
    assert (dataset.groups["cell"] == dataset.groups["id"]).all()


def test_as_pandas_writes_it(tmp_path):
    tables = matrices()
    is_that(prepared(folder(tmp_path, **tables)), **tables)


@pytest.mark.parametrize("turned", range(1, 8))
def test_every_way_round(tmp_path, turned):
    tables = matrices()
    ways = {
        name: table.T if turned >> bit & 1 else table
        for bit, (name, table) in enumerate(tables.items())
    }
    is_that(prepared(folder(tmp_path, **ways)), **tables)


def test_names_that_the_files_share_are_genes(tmp_path):
    tables = {name: table.rename(columns=lambda n: n[1:]) for name, table in matrices().items()}
    tables = {name: table.rename(index=lambda n: n[1:]) for name, table in tables.items()}
    is_that(prepared(folder(tmp_path, **{n: t.T for n, t in tables.items()})), **tables)


def test_names_of_both_sides_are_shared(tmp_path):
    tables = matrices(opened=20)
    tables["unknown"].index = tables["truth"].index
    dataset = prepared(folder(tmp_path, **{n: t.T for n, t in tables.items()}))
    tables["unknown"].index = "open:" + tables["truth"].index
    is_that(dataset, **tables)


@pytest.mark.parametrize("turned", [False, True])
def test_without_names_a_thousand_are_genes(tmp_path, turned):
    tables = matrices(cells=12, genes=1000, opened=7)
    ways = {name: table.T if turned else table for name, table in tables.items()}
    dataset = prepared(folder(tmp_path, **ways, header=False, index=False))
    for name, first in (("observed", ""), ("truth", ""), ("unknown", "open:")):
        tables[name].columns = [f"gene{number}" for number in range(1, 1001)]
        numbers = range(1, len(tables[name]) + 1)
        tables[name].index = [f"{first}cell{number}" for number in numbers]
    is_that(dataset, **tables)


@pytest.mark.parametrize("rows", ["cells", "genes"])
def test_without_any_sign_the_user_says_it(tmp_path, rows):
    tables = matrices(cells=30, genes=20)
    del tables["unknown"]
    folder(tmp_path, **tables, header=False, index=False)
    with pytest.raises(DataError, match="cells in rows, or the genes") as told:
        prepared(tmp_path)
    assert "30 cells x 20 genes (rows=cells), or 20 cells x 30 genes" in told.value.problems[0]
    assert "--set rows=genes" in told.value.hint
    dataset = rooms.course({file.name: file for file in tmp_path.iterdir()}, rows=rows)
    wanted = tables["observed"].to_numpy()
    assert (held(dataset.counts)[0] == (wanted if rows == "cells" else wanted.T)).all()
    assert list(dataset.features["id"][:2]) == ["cell1", "cell2"]


HUMAN = [
    *("ACTB", "GAPDH", "RPL13A", "MT-CO1", "CD8A", "B2M"),
    *("TP53", "C1orf112", "HLA-DRB1", "RP11-34P13.7", "NKX2-1", "F8"),
]
MOUSE = [
    *("Actb", "Gapdh", "Rpl13a", "mt-Co1", "Cd8a", "B2m"),
    *("Trp53", "1700020I14Rik", "H2-K1", "Gm10000", "Nkx2-1", "Il2ra"),
]
FISH = [
    *("actb1", "gapdh", "rpl13a", "mt-co1", "cd8a", "b2m"),
    *("tp53", "si:ch211-1", "hoxa1a", "nkx2.1", "sox2", "il2ra"),
]
WORM = [
    *("act-1", "gpd-2", "rpl-16", "F54D5.7", "lin-3", "unc-22"),
    *("let-7", "Y48G1A.6", "egl-19", "daf-2", "sox-2", "T05C12.1"),
]
GENE_NAMES = {
    "human": HUMAN,
    "mouse": MOUSE,
    "zebrafish": FISH,
    "worm": WORM,
    "ensembl": [f"ENSG000000{number}.{number % 9}" for number in range(75610, 75622)],
    "mouse ensembl": [f"ENSMUSG000000{number}" for number in range(75610, 75622)],
    "arabidopsis": [f"AT{number % 5 + 1}G{number}" for number in range(10010, 10022)],
    "rice": [f"LOC_Os0{number % 9}g{number}" for number in range(10010, 10022)],
    "maize": [f"Zm00001eb{number}" for number in range(100010, 100022)],
    "fly": [f"FBgn00{number}" for number in range(10010, 10022)],
    "yeast": [f"YAL0{number}W" for number in range(10, 22)],
}
BARCODE = [f"AAACC{'ACGT'[n % 4]}GAGA{'ACGT'[n // 4]}ACCAT" for n in range(9)]
CELL_NAMES = {
    "barcodes": [f"{code}-1" for code in BARCODE],
    "barcodes of samples": [f"donor1_{code}" for code in BARCODE],
    "barcodes after R": [f"{code}.1" for code in BARCODE],
    "numbered": [f"Cell{n}" for n in range(9)],
    "wells": [f"plate1_B{n:02}" for n in range(1, 10)],
    "chips": [f"1772071015_C{n:02}" for n in range(1, 10)],
    "runs": [f"SRR10{n}" for n in range(10, 19)],
    "any": [f"neuron_{n}" for n in range(9)],
    "counted": list(range(9)),
}


@pytest.mark.parametrize("genes", GENE_NAMES)
@pytest.mark.parametrize("cells", CELL_NAMES)
def test_names_tell_genes_from_cells(tmp_path, genes, cells, capsys):
    tables = matrices(cells=9, genes=12)
    del tables["unknown"]
    for table in tables.values():
        table.index, table.columns = CELL_NAMES[cells], GENE_NAMES[genes]
    dataset = prepared(folder(tmp_path, **{name: table.T for name, table in tables.items()}))
    assert held(dataset.counts)[1] == GENE_NAMES[genes]
    assert list(dataset.features["id"]) == list(map(str, CELL_NAMES[cells]))
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "test_data.csv: 9 cells x 12 genes, genes in rows (by its names)"


LINES = ["K562", "HeLa", "Jurkat", "MCF7", "HEK293", "U2OS", "A549", "THP1"]
TYPES = ["astro", "neuron", "microglia", "oligo", "pericyte", "mural", "ependymal"]
DONORS = ["AB12", "CD3", "EF9", "GH71", "IL5", "KM2", "NO8", "PQ4", "RS17"]
PROTEINS = [f"{'OPQ'[n % 3]}{n % 10}{'0AB9'[n % 4]}{n:03}" for n in range(100, 150)]
WORDS = {
    "lines": (LINES, [7157, 672, 60, 2597, 1956, 5728, 4609, 207, 3845]),
    "wells": ([f"{row}1" for row in "ABCDEFGH"], [f"V{n}" for n in range(1, 6)]),
    "types": (TYPES, PROTEINS),
    "donors": (DONORS, [*range(5000, 5040)]),
    "types that are counted": (TYPES, [*range(30)]),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", WORDS)
def test_words_alone_are_no_symbols_of_genes(tmp_path, kind, turned, capsys):
    cells, genes = WORDS[kind]
    tables = matrices(cells=len(cells), genes=len(genes))
    del tables["unknown"]
    for table in tables.values():
        table.index, table.columns = cells, genes
    folder(tmp_path, **{name: t.T if turned else t for name, t in tables.items()})
    with pytest.raises(DataError, match="cells in rows, or the genes") as told:
        prepared(tmp_path)
    assert "--set rows=genes" in told.value.hint
    rows = "genes" if turned else "cells"
    dataset = rooms.course({file.name: file for file in tmp_path.iterdir()}, rows=rows)
    assert held(dataset.counts)[1] == list(map(str, genes))
    assert capsys.readouterr().err.count(f"{rows} in rows (") == 2


def test_words_are_genes_beside_what_is_cells(tmp_path, capsys):
    tables = matrices(cells=9, genes=8)
    del tables["unknown"]
    for table in tables.values():
        table.index, table.columns = CELL_NAMES["barcodes"], LINES
    prepared(folder(tmp_path, **tables))
    assert capsys.readouterr().err.count("cells in rows (by its names)") == 2


@pytest.mark.parametrize("names", [[f"G{n}" for n in range(9)], HUMAN[:9], list(range(9))])
def test_sides_that_look_alike_are_refused(tmp_path, names):
    tables = matrices(cells=9, genes=9)
    del tables["unknown"]
    for table in tables.values():
        table.index, table.columns = names, [f"x{name}" for name in names]
    with pytest.raises(DataError, match="cells in rows, or the genes"):
        prepared(folder(tmp_path, **tables))


def test_what_the_files_share_tells_and_is_said(tmp_path, capsys):
    tables = matrices(cells=12, genes=20, opened=7)
    folder(tmp_path, **{n: t.T for n, t in tables.items()}, header=False, index=False)
    prepared(tmp_path)
    assert capsys.readouterr().err.splitlines() == [
        "test_data.csv: 12 cells x 20 genes, genes in rows (by their number, which the files "
        "share)",
        "test_truedata.csv: 12 cells x 20 genes, genes in rows (by their number, which the files "
        "share)",
        "data.csv: 7 cells x 20 genes, genes in rows (by their number, which the files share)",
    ]


def test_the_command_of_a_refusal_works(tmp_path, own_cache, podium_cli):
    tables = {name: table.T for name, table in matrices(cells=40).items() if name != "unknown"}
    raw = tmp_path / "my files"
    raw.mkdir()
    folder(raw, **tables, header=False, index=False)
    done = podium_cli("data", "imputation", "--dataset", "course", "--from", raw)
    assert (done.status, done.out) == (1, "")
    command = done.err.splitlines()[-1].removeprefix("Say it: podium ").partition(",")[0]
    assert podium_cli(*shlex.split(command)).status == 0
    named = f"--from {shlex.quote(str(raw))} --set rows=both"
    assert podium_cli(*shlex.split(f"data imputation --dataset course {named}")).status == 1
    done = podium_cli("data", "imputation", "--dataset", "course", "--set", "rows=cells")
    assert "nowhere to fetch" in done.err  # never taken for what lies in the cache


def test_what_the_user_says_against_the_names_is_told(tmp_path, capsys):
    tables = matrices(cells=12, genes=20)
    del tables["unknown"]
    folder(tmp_path, **tables)
    rooms.course({file.name: file for file in tmp_path.iterdir()}, rows="genes")
    assert "genes in rows (as you say, against its names)" in capsys.readouterr().err


def test_what_the_user_says_is_of_the_first_file(tmp_path, capsys):
    tables = matrices(cells=12, genes=20)
    del tables["unknown"]
    tables["observed"] = tables["observed"].T
    folder(tmp_path, **tables, header=False, index=False)
    dataset = rooms.course({file.name: file for file in tmp_path.iterdir()}, rows="genes")
    assert (held(dataset.truth)[0] == tables["truth"].to_numpy()).all()
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("genes in rows (as you say)")
    assert second.endswith("cells in rows (by their number, which the files share)")


@pytest.mark.parametrize("corner", ["X", "V1", "rownames", "row.names", "", "gene_id", "anything"])
def test_a_corner_is_no_gene(tmp_path, corner):
    tables = matrices()
    numbers = tables["truth"].index.str.removeprefix("Cell").astype(int)
    for name in ("observed", "truth"):
        tables[name].index = numbers if corner == "anything" else numbers + 6
    del tables["unknown"]
    dataset = prepared(folder(tmp_path, **tables, index_label=corner))
    assert held(dataset.counts)[1] == list(tables["truth"].columns)
    assert list(dataset.features["id"]) == list(map(str, tables["truth"].index))


def test_columns_that_r_has_named_are_columns(tmp_path):
    tables = matrices(cells=9, genes=12)
    for table in tables.values():
        table.columns = [f"V{number}" for number in range(1, 13)]
    dataset = prepared(folder(tmp_path, **tables, index=False))
    assert held(dataset.counts)[1] == list(tables["truth"].columns)


def test_a_corner_says_what_stands_below_it(tmp_path):
    tables = {name: table.T for name, table in matrices().items() if name != "unknown"}
    for table in tables.values():
        table.index, table.columns = range(5000, 5030), [f"c{n}" for n in range(20)]
    dataset = prepared(folder(tmp_path, **tables, index_label="gene"))
    assert len(held(dataset.counts)[1]) == 30


WRITTEN = {
    "no index": {"index": False},
    "numbered header": {"index": False, "header": [str(number) for number in range(30)]},
    "no header": {"header": False},
    "semicolons": {"sep": ";"},
    "tabs": {"sep": "\t"},
    "a byte order mark": {"encoding": "utf-8-sig"},
    "a named corner": {"index_label": "id"},
    "quotes": {"quoting": 2},
    "decimals": {"float_format": "%.1f"},
}


@pytest.mark.parametrize("how", WRITTEN)
def test_written_otherwise(tmp_path, how):
    tables = matrices()
    if how == "decimals":
        tables = {name: table.astype(float) for name, table in tables.items()}
    dataset = prepared(folder(tmp_path, **tables, **WRITTEN[how]))
    counts, genes = held(dataset.counts)
    assert (counts == pd.concat([tables["observed"], tables["unknown"]]).to_numpy()).all()
    assert len(genes) == 30


def test_as_r_writes_tables(tmp_path):
    """The header of `write.table` is one name shorter than the rows."""
    tables = matrices()
    folder(tmp_path, **tables)
    for name in FILES:
        lines = (tmp_path / name).read_text().split("\n")
        (tmp_path / name).write_text("\r\n".join([lines[0].removeprefix(","), *lines[1:]]))
    is_that(prepared(tmp_path), **tables)


def test_other_orders_are_put_right(tmp_path):
    tables = matrices()
    shuffled = {
        "observed": tables["observed"],
        "truth": tables["truth"].sample(frac=1, random_state=0).sample(frac=1, axis=1),
        "unknown": tables["unknown"].iloc[:, ::-1],
    }
    is_that(prepared(folder(tmp_path, **shuffled)), **tables)


def test_names_of_cells_that_repeat(tmp_path):
    tables = matrices()
    names = ["A", "A", *tables["truth"].index[2:]]
    for name in ("observed", "truth"):
        tables[name].index = names
    dataset = prepared(folder(tmp_path, **tables))
    assert list(dataset.targets["id"]) == [f"cell{number}" for number in range(1, 21)]


def test_without_open_cells(tmp_path):
    tables = matrices() | {"unknown": None}
    is_that(prepared(folder(tmp_path, **tables)), **tables)


def test_an_observed_count_may_differ_from_the_truth(tmp_path):
    tables = matrices()
    row, column = np.argwhere(tables["observed"].to_numpy() > 0)[0]
    tables["truth"].iloc[row, column] += 1
    is_that(prepared(folder(tmp_path, **tables)), **tables)


def changed(name, change):
    tables = matrices()
    tables[name] = change(tables[name].astype(object))
    return tables


def one(value):
    def change(table):
        table.iloc[2, 3] = value
        return table

    return change


BROKEN = {
    "missing": (changed("truth", one(np.nan)), "test_truedata.csv: 1 counts are missing"),
    "negative": (changed("observed", one(-2)), "test_data.csv: 1 counts are negative .*-2"),
    "fractions": (changed("observed", one(0.5)), "no whole numbers: give raw counts .*0.5"),
    "infinite": (changed("unknown", one("inf")), "data.csv: 1 counts are infinite"),
    "huge": (changed("unknown", one(10**12)), "data.csv: 1 counts are above"),
    "text": (changed("observed", one("many")), "test_data.csv: it is no table of numbers"),
    "other genes": (
        changed("unknown", lambda table: table.rename(columns={"Gene3": "Gene99"})),
        "data.csv does not fit test_data.csv: genes: 1 of 30 names are missing, the first is Gene3",
    ),
    "fewer genes": (
        changed("unknown", lambda table: table.iloc[:, 1:]),
        "data.csv does not fit test_data.csv: genes: 29, expected 30",
    ),
    "other cells": (
        changed("truth", lambda table: table.rename(index={"Cell4": "Cell99"})),
        "test_truedata.csv does not fit test_data.csv: cells: 1 of 20 names are missing",
    ),
    "fewer cells": (changed("truth", lambda table: table.iloc[1:]), "cells: 19, expected 20"),
    "a gene called id": (
        {n: t.rename(columns={"Gene3": "id"}) for n, t in matrices().items()},
        "a gene is called 'id'",
    ),
    "no cells": (changed("unknown", lambda table: table.iloc[:0]), "data.csv: 0 x 30 counts"),
    "nothing lost": (matrices() | {"truth": matrices()["observed"]}, "No zero is a dropout"),
    "swapped": (
        matrices() | {"truth": matrices()["observed"], "observed": matrices()["truth"]},
        "in each other's file",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_files(tmp_path, kind):
    tables, words = BROKEN[kind]
    with pytest.raises(DataError, match=words):
        prepared(folder(tmp_path, **tables))


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    tables = changed("truth", one(np.nan))
    tables["unknown"] = tables["unknown"].iloc[:, 1:] - 5
    tables["observed"] = tables["observed"].astype(object)
    folder(tmp_path, **tables)
    with pytest.raises(DataError) as told:
        prepared(tmp_path)
    assert len(told.value.problems) == 3
    (tmp_path / "data.csv").write_bytes(b"")
    (tmp_path / "test_data.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError) as told:
        prepared(tmp_path)
    assert len(told.value.problems) == 3
    (tmp_path / "test_data.csv").unlink()
    with pytest.raises(DataError, match=r"test_data\.csv: not found"):
        prepared(tmp_path)


@pytest.mark.parametrize("cells", [3, 4, 7, 20, 100])
def test_split(cells):
    tables = matrices(cells=cells)
    dataset = rooms.assemble(*(_plain(tables[n]) for n in ("observed", "truth", "unknown")))
    table = split.course(dataset)
    assert list(table["id"]) == list(dataset.features["id"])
    counts = table["part"].value_counts()
    assert counts["open"] == 10
    assert counts["public"] == counts["private"] == max(1, round(0.15 * cells))
    train = table[table["part"] == "train"]
    assert train["fold"].notna().all()
    assert table.loc[table["part"] != "train", "fold"].isna().all()
    assert train["fold"].value_counts().max() - train["fold"].value_counts().min() <= 1
    assert set(table["stratum"].dropna()) == {"cells"}


def test_two_cells_cannot_be_split():
    tables = matrices(cells=2)
    with pytest.raises(DataError, match="at least 3"):
        split.course(rooms.assemble(*(_plain(tables[n]) for n in ("observed", "truth"))))


def _plain(table):
    return Matrix(table.to_numpy(float), list(table.index), list(table.columns))


def test_course_by_the_front_door(tmp_path, own_cache):
    tables = matrices(cells=40)
    ready = api.prepare("imputation", "course", source=folder(tmp_path, **tables))
    assert (len(ready.train()), len(ready.part("test")), len(ready.part("open"))) == (28, 12, 10)
    (one,) = ready.train().slices()
    assert (one.truth.toarray() == tables["truth"].loc[ready.train().ids].to_numpy()).all()
    (one,) = ready.part("test").slices()
    assert one.truth is None
    assert (one.counts.toarray() == tables["observed"].loc[ready.part("test").ids].to_numpy()).all()
    names = [path.name for path in api.annotate("imputation", "course", tmp_path / "out")]
    assert names == ["train-cells.h5ad", "test-cells.h5ad", "open-cells.h5ad"]
    assert (h5ad.read(tmp_path / "out" / names[2]).counts != one_of(ready, "open").counts).nnz == 0
    first = ready.version.name
    tables["truth"] += tables["observed"] == 0
    folder(tmp_path, **tables)
    assert api.prepare("imputation", "course", source=tmp_path).version.name != first


def one_of(ready, part):
    (one,) = ready.part(part).slices()
    return one


def test_files_of_one_name_in_a_zip(tmp_path, own_cache):
    raw = tmp_path / "raw"
    raw.mkdir()
    folder(raw, **matrices(cells=40))
    with zipfile.ZipFile(tmp_path / "course.zip", "w") as archive:
        for name in ("test_data.csv", "test_truedata.csv"):
            archive.write(raw / name, f"a/{name}")
        archive.writestr("b/test_data.csv", "another")
    with pytest.raises(DataError, match=r"test_data\.csv is there twice"):
        api.prepare("imputation", "course", source=tmp_path / "course.zip")


def test_course_files_are_nowhere_to_fetch(own_cache):
    with pytest.raises(DataError, match="their owners have them"):
        api.prepare("imputation", "course")


def shares(ready):
    """Zeros before and after, and dropouts, as in SCIENCE; all labelled train cells."""
    (one,) = ready.train().slices()
    observed, truth = one.counts.toarray(), one.truth.toarray()
    zero = observed == 0
    return (truth == 0).mean(), zero.mean(), (truth > 0)[zero].mean()


@pytest.mark.slow
@pytest.mark.realdata
def test_autoclass(raw_folder):
    ready = api.prepare("imputation", "autoclass", source=raw_folder("imputation"))
    train, test = ready.train(), ready.part("test")
    assert (len(train), len(test), ready.genes[:2]) == (350, 150, ("Gene2", "Gene3"))
    assert len(ready.genes) == 938
    assert train.ids[0].startswith("Cell")
    assert shares(ready) == pytest.approx((0.084, 0.362, 0.767), abs=0.01)
    (one,) = train.slices()
    seen = one.counts.toarray() > 0
    assert (one.counts.toarray()[seen] == one.truth.toarray()[seen]).all()
    best = open_solution(ready).ceiling()
    assert best is not None
    scores = best["all"].whole.scores
    assert (scores["f1"], scores["mcc"]) == pytest.approx((0.892, 0.46), abs=0.01)


@pytest.mark.slow
@pytest.mark.realdata
def test_zeisel(raw_folder):
    ready = api.prepare("imputation", "zeisel", source=raw_folder("imputation"))
    assert (len(ready.train()), len(ready.part("test")), len(ready.genes)) == (1259, 540, 3529)
    assert shares(ready) == pytest.approx((0.273, 0.861, 0.683), abs=0.01)
    (one,) = ready.train().slices()
    assert (one.truth - one.counts).min() >= 0


def test_own_cells_that_stand_the_other_way_round(tmp_path):
    ready = data.load(*api.load("imputation"))
    one = one_of(ready, "test")
    ids = np.asarray(ready.part("test").ids, dtype=np.str_)
    turned = h5ad.Annotated(pd.DataFrame(index=one.genes), csr_array(one.counts.T), ids, None)
    h5ad.write(tmp_path / "mine.h5ad", turned)
    with pytest.raises(PodiumError, match=r"stands the other way round\. Turn it"):
        api.predict("imputation", "none", tmp_path / "mine.h5ad")
