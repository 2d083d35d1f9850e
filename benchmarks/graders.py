"""Graders of mle-bench as metric files: which run as they are, and why others do not.

    git clone https://github.com/openai/mle-bench
    python benchmarks/graders.py mle-bench/mlebench/competitions --write docs/graders.md

For each a table of made-up rows is written, with the columns that its grader asks for, `podium new
--metric grade.py` makes a competition of it, and what that scores is held against what the grader
gives when it is called by itself on the same two tables. Nothing of theirs is copied here.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROWS = 240
_RNG = np.random.default_rng(0)
_WORDS = ["red", "dog", "sky", "sun", "sea", "ice"]


def _one_of(values: list[Any]) -> Callable[[], Any]:
    return lambda: _RNG.choice(values, ROWS)


def _joined(words: list[str], low: int, high: int) -> list[str]:
    """Some different words in a row, separated by spaces."""
    counts = _RNG.integers(low, high, ROWS)
    return [" ".join(_RNG.permutation(words)[:count]) for count in counts]


def _runs() -> list[str]:
    """Masks of 101 x 101 as runs."""
    return [f"{a + 1} {b}" for a, b in _RNG.integers(1, 90, (ROWS, 2))]


KINDS: Mapping[str, Callable[[], Any]] = {
    "01": _one_of([0, 1]),
    "bool": _one_of([True, False]),
    "int": _one_of([1, 2, 3, 4, 5]),
    "label": _one_of(["ant", "bee", "cow"]),
    "digits": _one_of(["3", "14", "15"]),
    "number": lambda: _RNG.uniform(1, 9, ROWS).round(3),
    "share": lambda: _RNG.uniform(0, 1, ROWS).round(3),
    "sentence": lambda: _joined(_WORDS, 3, 6),
    "order": lambda: _joined(_WORDS, 6, 7),
    "tags": lambda: _joined(["t1", "t2", "t3", "t4"], 1, 3),
    "some tags": lambda: _joined(["t1", "t2", "t3", "t4"], 0, 3),
    "numbers": lambda: _joined(["1", "2", "3", "4"], 1, 5),
    "runs": _runs,
    "maybe runs": lambda: np.where(_RNG.random(ROWS) < 0.5, _runs(), ""),
    "none": lambda: np.full(ROWS, ""),
    "one": lambda: np.full(ROWS, 1),
    "patient": lambda: [f"P{n // 4}" for n in range(ROWS)],
    "101": lambda: np.full(ROWS, 101),
}
"""Columns of made-up values."""

GRADERS: Mapping[str, tuple[str, dict[str, str], dict[str, str]]] = {
    # grader: the column of ids, what is predicted, what else its answers have
    "AI4Code": ("id", {"cell_order": "order"}, {}),
    "aerial-cactus-identification": ("id", {"has_cactus": "01"}, {}),
    "alaska2-image-steganalysis": ("Id", {"Label": "01"}, {}),
    "aptos2019-blindness-detection": ("id_code", {"diagnosis": "int"}, {}),
    "billion-word-imputation": ("id", {"sentence": "sentence"}, {}),
    "bms-molecular-translation": ("image_id", {"InChI": "sentence"}, {}),
    "cassava-leaf-disease-classification": ("image_id", {"label": "int"}, {}),
    "cdiscount-image-classification-challenge": ("_id", {"category_id": "int"}, {}),
    "chaii-hindi-and-tamil-question-answering": ("id", {"PredictionString": "sentence"}, {}),
    "champs-scalar-coupling": (
        "id",
        {"scalar_coupling_constant": "number"},
        {"type": "label"},
    ),
    "denoising-dirty-documents": ("id", {"value": "share"}, {}),
    "detecting-insults-in-social-commentary": ("Comment", {"Insult": "01"}, {}),
    "dog-breed-identification": ("id", {"<dogs.DOGS_LIST>": "one-hot"}, {}),
    "dogs-vs-cats-redux-kernels-edition": ("id", {"label": "01"}, {}),
    "facebook-recruiting-iii-keyword-extraction": ("Id", {"Tags": "tags"}, {}),
    "freesound-audio-tagging-2019": ("fname", {"<vocabulary.CLASS_NAMES>": "01"}, {}),
    "google-quest-challenge": ("qa_id", {"<classes.CLASSES>": "share"}, {}),
    "google-research-identify-contrails-reduce-global-warming": (
        "record_id",
        {"encoded_pixels": "runs"},
        {"height": "101", "width": "101"},
    ),
    "h-and-m-personalized-fashion-recommendations": ("customer_id", {"prediction": "tags"}, {}),
    "herbarium-2020-fgvc7": ("Id", {"Predicted": "int"}, {}),
    "herbarium-2021-fgvc8": ("Id", {"Predicted": "int"}, {}),
    "herbarium-2022-fgvc9": ("Id", {"Predicted": "int"}, {}),
    "histopathologic-cancer-detection": ("id", {"label": "01"}, {}),
    "hms-harmful-brain-activity-classification": (
        "eeg_id",
        {"<constants.TARGET_COLS>": "one-hot"},
        {},
    ),
    "hotel-id-2021-fgvc8": ("image", {"hotel_id": "int"}, {}),
    "hubmap-kidney-segmentation": (
        "id",
        {"encoding": "runs"},
        {"width_pixels": "101", "height_pixels": "101"},
    ),
    "icecube-neutrinos-in-deep-ice": ("event_id", {"azimuth": "share", "zenith": "share"}, {}),
    "imet-2020-fgvc7": ("id", {"attribute_ids": "numbers"}, {}),
    "inaturalist-2019-fgvc6": ("id", {"predicted": "int"}, {}),
    "invasive-species-monitoring": ("name", {"invasive": "01"}, {}),
    "iwildcam-2019-fgvc6": ("Id", {"Category": "int"}, {}),
    "iwildcam-2020-fgvc7": ("Id", {"Category": "int"}, {}),
    "jigsaw-toxic-comment-classification-challenge": ("id", {"<classes.CLASSES>": "01"}, {}),
    "jigsaw-unintended-bias-in-toxicity-classification": (
        "id",
        {"toxicity": "share"},
        dict.fromkeys(
            [
                *("male", "female", "homosexual_gay_or_lesbian", "christian", "jewish"),
                *("muslim", "black", "white", "psychiatric_or_mental_illness"),
            ],
            "share",
        ),
    ),
    "kuzushiji-recognition": ("image_id", {"labels": "boxes"}, {}),
    "leaf-classification": ("id", {"<classes.CLASSES>": "one-hot"}, {}),
    "learning-agency-lab-automated-essay-scoring-2": ("essay_id", {"score": "int"}, {}),
    "lmsys-chatbot-arena": (
        "id",
        dict.fromkeys(["winner_model_a", "winner_model_b", "winner_tie"], "one-hot"),
        {},
    ),
    "ml2021spring-hw2": ("Id", {"ClassId": "int"}, {}),
    "mlsp-2013-birds": ("Id", {"Probability": "01"}, {}),
    "movie-review-sentiment-analysis-kernels-only": ("PhraseId", {"Sentiment": "int"}, {}),
    "multi-modal-gesture-recognition": ("Id", {"Sequence": "numbers"}, {}),
    "new-york-city-taxi-fare-prediction": ("key", {"fare_amount": "number"}, {}),
    "nfl-player-contact-detection": ("contact_id", {"contact": "01"}, {}),
    "nomad2018-predict-transparent-conductors": (
        "id",
        {"formation_energy_ev_natom": "number", "bandgap_energy_ev": "number"},
        {},
    ),
    "osic-pulmonary-fibrosis-progression": (
        "Patient_Week",
        {"FVC": "number"},
        {"Patient": "patient"},
    ),
    "paddy-disease-classification": ("image_id", {"label": "label"}, {}),
    "petfinder-pawpularity-score": ("Id", {"Pawpularity": "int"}, {}),
    "plant-pathology-2020-fgvc7": (
        "image_id",
        dict.fromkeys(["healthy", "multiple_diseases", "rust", "scab"], "one-hot"),
        {},
    ),
    "plant-pathology-2021-fgvc8": ("image", {"labels": "tags"}, {}),
    "plant-seedlings-classification": ("file", {"species": "label"}, {}),
    "playground-series-s3e18": ("id", {"EC1": "01", "EC2": "01"}, {}),
    "predict-volcanic-eruptions-ingv-oe": ("segment_id", {"time_to_eruption": "thousands"}, {}),
    "random-acts-of-pizza": ("request_id", {"requester_received_pizza": "bool"}, {}),
    "ranzcr-clip-catheter-line-classification": (
        "StudyInstanceUID",
        {"<classes.CLASSES>": "01"},
        {},
    ),
    "rsna-2022-cervical-spine-fracture-detection": ("row_id", {"fractured": "01"}, {}),
    "rsna-breast-cancer-detection": ("prediction_id", {"cancer": "01"}, {}),
    "rsna-miccai-brain-tumor-radiogenomic-classification": ("BraTS21ID", {"MGMT_value": "01"}, {}),
    "seti-breakthrough-listen": ("id", {"target": "01"}, {}),
    "siim-covid19-detection": ("id", {"PredictionString": "opacities"}, {}),
    "siim-isic-melanoma-classification": ("image_name", {"target": "01"}, {}),
    "smartphone-decimeter-2022": (
        "tripId",
        {"LatitudeDegrees": "number", "LongitudeDegrees": "number"},
        {"UnixTimeMillis": "int"},
    ),
    "spaceship-titanic": ("PassengerId", {"Transported": "bool"}, {}),
    "spooky-author-identification": ("id", {"<classes.CLASSES>": "one-hot"}, {}),
    "stanford-covid-vaccine": (
        "id_seqpos",
        dict.fromkeys(["reactivity", "deg_Mg_pH10", "deg_Mg_50C", "deg_pH10", "deg_50C"], "number"),
        {"keep": "bool"},
    ),
    "statoil-iceberg-classifier-challenge": ("id", {"is_iceberg": "01"}, {}),
    "tabular-playground-series-dec-2021": ("Id", {"Cover_Type": "int"}, {}),
    "tabular-playground-series-may-2022": ("id", {"target": "01"}, {}),
    "tensorflow-speech-recognition-challenge": ("fname", {"label": "label"}, {}),
    "text-normalization-challenge-english-language": ("id", {"after": "sentence"}, {}),
    "text-normalization-challenge-russian-language": ("id", {"after": "sentence"}, {}),
    "tgs-salt-identification-challenge": ("id", {"rle_mask": "maybe runs"}, {}),
    "the-icml-2013-whale-challenge-right-whale-redux": ("clip", {"probability": "01"}, {}),
    "tweet-sentiment-extraction": ("textID", {"selected_text": "sentence"}, {}),
    "us-patent-phrase-to-phrase-matching": ("id", {"score": "share"}, {}),
    "uw-madison-gi-tract-image-segmentation": (
        "id",
        {"predicted": "maybe runs"},
        {"class": "label", "image_height": "101", "image_width": "101"},
    ),
    "ventilator-pressure-prediction": ("id", {"pressure": "number"}, {"u_out": "01"}),
    "vesuvius-challenge-ink-detection": (
        "Id",
        {"Predicted": "runs"},
        {"width": "101", "height": "101"},
    ),
    "whale-categorization-playground": ("Image", {"Id": "label"}, {}),
}
NO_TABLE = {
    "3d-object-detection-for-autonomous-vehicles": "boxes of a scene in a text, with pyquaternion",
    "tensorflow2-question-answering": "its answers are no table but nested records",
    "vinbigdata-chest-xray-abnormalities-detection": "answers have a row a box, with pycocotools",
}
"""Graders whose answers are no table with a row for each id."""


def values_of(kind: str) -> Any:
    """A made-up column."""
    match kind:
        case "thousands":
            return _RNG.integers(10_000, 99_999, ROWS)
        case "boxes":
            return [f"U+{n % 9} {n} {n} 10 10" for n in _RNG.integers(1, 90, ROWS)]
        case "opacities":
            box = [f"opacity 1 {n} {n} {n + 9} {n + 9}" for n in _RNG.integers(1, 90, ROWS)]
            return np.where(_RNG.random(ROWS) < 0.5, box, "none 1 0 0 1 1")
    return KINDS[kind]()


def table_of(name: str, folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a grader, and the columns to predict: the same whatever else is tried."""
    _RNG.bit_generator.state = np.random.default_rng(list(name.encode())).bit_generator.state
    row_id, targets, given = GRADERS[name]
    ids = [f"row_{n}" for n in _RNG.permutation(ROWS)]
    if row_id == "Patient_Week":
        ids = [f"P{n // 4}_{n}" for n in range(ROWS)]
    if name.startswith("rsna-2022"):
        parts = ["patient_overall", *(f"C{n}" for n in range(1, 8))]
        ids = [f"study{n // 8}_{parts[n % 8]}" for n in range(ROWS)]
    if name.startswith("uw-madison"):
        ids = [f"case{n // 8}_day1_slice_{n % 8:04d}" for n in range(ROWS)]
    rows = pd.DataFrame({row_id: ids, "x": _RNG.normal(size=ROWS).round(3)})
    names: list[str] = []
    columns: dict[str, Any] = {}
    for target, kind in targets.items():
        one = _listed(folder, target) if target.startswith("<") else [target]
        names += one
        if kind != "one-hot":
            columns |= {column: values_of(kind) for column in one}
    if not columns:  # one of the classes for each row
        hot = np.eye(len(names), dtype=int)[np.arange(ROWS) % len(names)]
        columns = dict(zip(names, hot.T, strict=True))
    columns |= {column: values_of(kind) for column, kind in given.items()}
    if name.startswith("rsna-2022"):
        columns["study"] = [text.partition("_")[0] for text in ids]
    table = pd.concat([rows, pd.DataFrame(columns)], axis=1)
    if name.startswith("jigsaw-unintended"):  # every half has rows of each group, toxic and not
        table = pd.concat([table.assign(id=table["id"] + f"_{n}") for n in range(2)])
    return table, names


def _listed(folder: Path, wanted: str) -> list[str]:
    """A list of names in a module beside the grader."""
    module, _, name = wanted.strip("<>").partition(".")
    words: dict[str, Any] = {}
    exec((folder / f"{module}.py").read_text(encoding="utf-8"), words)
    return list(words[name])


def tried(name: str, competitions: Path, place: Path) -> tuple[str, str]:
    """Whether a grader runs, and what is to be said of it."""
    import podium
    from podium.competition.foreign import stub_modules
    from podium.errors import PodiumError
    from podium.verifying import checks
    from podium.verifying.under_test import DatasetUnderTest

    folder = competitions / name
    text = (folder / "grade.py").read_text(encoding="utf-8")
    package = "mlebench." in text.replace("mlebench.grade_helpers", "")
    beside = "from ." in text
    rows, targets = table_of(name, folder)
    row_id, _, given = GRADERS[name]
    slug = f"g_{sum(map(ord, name))}_{len(name)}"
    rows.to_csv(place / f"{slug}.csv", index=False)
    split = {"split": "grouped", "by": "study"} if "study" in rows else {}
    try:
        with contextlib.redirect_stderr(io.StringIO()), stub_modules():
            made = podium.new(
                slug,
                table=place / f"{slug}.csv",
                target=targets,
                row_id=row_id,
                metric=folder / "grade.py",
                given=list(given),
                **split,
            )
            case = DatasetUnderTest(*podium.load(slug))
            told = [
                *checks.a_metric_of_others_scores_as_by_itself(case),
                *checks.metric_is_that_of_its_version(case),
            ]
    except PodiumError as error:
        said = "; ".join(error.problems) or str(error)
        state = "needs a package" if "needs the package" in said else "refused"
        return state, said.replace("|", "/")[:160]
    told = [line for line in told if not str(line).startswith("the metric refuses")]
    if told:
        return "refused", "; ".join(map(str, told))[:160]
    kind = next(n.partition("holds ")[2].partition(",")[0] for n in made.notes if "holds" in n)
    ways = ["stand-ins for mlebench"] * package + ["the files beside it"] * beside
    return "runs", ", ".join([kind, *ways])


def main() -> None:
    """Try them all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("competitions", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "competitions").mkdir()
        os.environ |= {"PODIUM_WORKSPACE": folder, "PODIUM_DATA": f"{folder}/data"}
        lines = []
        for name in sorted({*GRADERS, *NO_TABLE}):
            if options.only and options.only not in name:
                continue
            if name in NO_TABLE:
                lines.append((name, "no table", NO_TABLE[name]))
            else:
                lines.append((name, *tried(name, options.competitions.resolve(), Path(folder))))
            print(*lines[-1], sep=" | ", file=sys.stderr, flush=True)
    if options.write:
        write(options.write, lines)
    else:
        print(table(lines))


def table(lines: list[tuple[str, str, str]]) -> str:
    """What is known of all, as Markdown."""
    counts = ", ".join(
        f"{sum(line[1] == state for line in lines)} {words}"
        for state, words in (
            ("runs", "run"),
            ("needs a package", "need a package that is not installed here"),
            ("refused", "are refused"),
            ("no table", "take no table"),
        )
    )
    head = "| grader | | predicts, what it took beside the file, or why not |\n|---|---|---|\n"
    rows = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"Of {len(lines)} graders {counts}.\n\n{head}{rows}"


def write(page: Path, lines: list[tuple[str, str, str]]) -> None:
    """Put what was tried into a page; what it says of others stays."""
    start, end = "<!-- graders: benchmarks/graders.py -->\n", "<!-- end -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(start)
    old, _, after = rest.partition(end)
    cells = [line.strip("| ").split(" | ") for line in old.splitlines() if line.startswith("| ")]
    known = {one[0]: (one[0], one[1], one[2]) for one in cells if len(one) == 3}
    known = {name: line for name, line in known.items() if name in {*GRADERS, *NO_TABLE}}
    known |= {line[0]: line for line in lines}
    text = table([known[name] for name in sorted(known)])
    page.write_text(f"{before}{start}{text}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
