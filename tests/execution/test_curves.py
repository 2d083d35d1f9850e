"""Training curves: what a model reports is kept with its record, shown and drawn."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

import podium
from podium import workspace
from podium.execution.curves import FIGURES, KEPT, POINTS, Curve, Recorder
from podium.leaderboard.board import Batch, open_board
from podium.reporting import curves

FITS = """
        for step in range(1, 41):
            report(step, 1 / step, training=0.5 / step)
"""
"""What a model of these tests does in `fit`."""


def recorded(steps, figure=lambda step: 1 / step):
    recorder = Recorder()
    for step in range(1, steps + 1):
        recorder.report(step, figure(step), training=2.0)
    return recorder.curve


@pytest.mark.parametrize("steps", [2, POINTS, POINTS + 1, POINTS + 2, 4 * POINTS, 12_345])
def test_a_long_curve_is_thinned_evenly_and_keeps_both_ends(steps):
    curve = Curve.read(json.loads(json.dumps(recorded(steps))))
    assert curve.steps[0] == 1
    assert curve.steps[-1] == steps
    assert min(steps, POINTS / 2) <= len(curve.steps) <= POINTS + 1
    gaps = {after - before for before, after in zip(curve.steps, curve.steps[1:-1], strict=False)}
    assert len(gaps) <= 1
    assert curve.figures["value"][0] == 1.0
    assert curve.as_json == recorded(steps)


def test_one_step_is_no_curve():
    assert Recorder().curve is None
    assert recorded(1) is None


def test_figures_that_are_no_numbers_and_others_that_come_and_go():
    recorder = Recorder()
    recorder.report(1, math.nan)
    recorder.report(2, 1e308, auc=0.123456789)
    recorder.report(3, 2, **{f"f{place}": place for place in range(9)})
    curve = Curve.read(recorder.curve)
    assert len(curve.figures) == FIGURES
    assert list(curve.figures["value"]) == [None, None, 2.0]
    assert list(curve.figures["auc"]) == [None, 0.123457, None]


@pytest.mark.parametrize(
    "told",
    [
        *(None, 3, "curve", [], {}, {"step": [1, 2]}, {"value": [1, 2], "step": [1, 2]}),
        {"step": [1, 2], "value": [1]},
        {"step": [1], "value": [1]},
        {"step": [1, "2"], "value": [1, 2]},
        {"step": [1, None], "value": [1, 2]},
        {"step": [1, 10**400], "value": [1, 2]},
        {"step": [1, math.nan], "value": [1, 2]},
        {"step": [1, 2], "value": [1, "2"]},
        {"step": [1, 2], "value": [1, True]},
        {"step": [1, 2], "value": {"0": 1, "1": 2}},
        {"step": list(range(POINTS + 2)), "value": [1.0] * (POINTS + 2)},
        {"step": [1, 2], **{f"f{place}": [1, 2] for place in range(FIGURES + 1)}},
    ],
)
def test_what_is_no_curve_is_none(told):
    assert Curve.read(told) is None


def test_a_name_is_one_short_line_and_a_huge_figure_is_none():
    told = {"step": [1, 2], "\x1b[2J\n" + "x" * 99: [10**400, -math.inf]}
    ((name, values),) = Curve.read(told).figures.items()
    assert name.isprintable()
    assert len(name) <= 25
    assert values == [None, None]


def test_long_names_that_begin_alike_stay_apart():
    long = "x" * 99
    told = {
        "step": [1, 2],
        f"{long}a": [1, 2],
        f"{long}b": [3, 4],
        "x" * 18 + "…2": [5, 6],
        " step": [7, 8],
    }
    curve = Curve.read(told)
    assert [list(values) for values in curve.figures.values()] == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert all(len(name) <= 25 for name in curve.figures)
    assert Curve.read(curve.as_json) == curve


def test_a_run_keeps_the_curve_and_every_way_shows_it(write, toy, podium_cli):
    done = podium.run("toy", write(FITS.strip()))
    curve = Curve.read(recorded_by(done.row.submission))
    assert list(curve.steps) == list(range(1, 41))
    assert curve.figures["training"][1] == 0.25

    shown = podium.show("toy", done.row.submission)
    assert shown.curve == curve
    assert KEPT not in shown.provenance
    assert shown.as_json["curve"]["step"][-1] == 40
    text = podium_cli("show", "toy", done.row.submission[:6])
    assert "█▃▂" in text.out
    assert "curve.step" not in text.out

    podium_cli("report", "toy")
    page = Path("report/toy-demo.html").read_text(encoding="utf-8")
    assert "Training curves" in page
    assert "ana/mine, training: 0.5 to 0.0125" in page


def recorded_by(submission):
    (record,) = open_board(workspace.database_url()).records(submission=submission)
    return record.provenance[KEPT]


def test_a_model_that_reports_nothing_has_no_curve(toy, podium_cli):
    done = podium.run("toy", "line")
    shown = podium.show("toy", done.row.submission)
    assert shown.curve is None
    assert shown.as_json["curve"] is None
    assert "said in training" not in podium_cli("show", "toy", done.row.submission[:6]).out
    podium.report("toy")
    assert "Training curves" not in Path("report/toy-demo.html").read_text(encoding="utf-8")


def test_a_process_that_lies_has_no_curve_and_goes_on(write, toy):
    lie = (
        "import json, os\n"
        "        line = json.dumps({'curve': {'step': 'all', 'value': [1]}}) + '\\n'\n"
        "        for number in range(3, 20):\n"
        "            try: os.write(number, line.encode())\n"
        "            except OSError: pass"
    )
    done = podium.run("toy", write(lie))
    assert podium.show("toy", done.row.submission).curve is None


def test_a_live_object_has_a_curve_too(toy):
    class Line:
        def fit(self, train, report=None):
            for step in (1, 2, 3):
                report(step, 1 / step)

        def predict(self, part):
            import pandas as pd

            return pd.DataFrame({"id": part.ids, "y": part.features["x"]})

    done = podium.run("toy", Line)
    assert podium.show("toy", done.row.submission).curve.steps == [1, 2, 3]


def test_a_model_that_trains_when_it_predicts_has_a_curve(toy):
    class Line:
        def fit(self, train, report=None):
            self.report = report

        def predict(self, part):
            import pandas as pd

            for step in (1, 2, 3):
                self.report(step, 1 / step)
            return pd.DataFrame({"id": part.ids, "y": part.features["x"]})

    done = podium.run("toy", Line)
    assert podium.show("toy", done.row.submission).curve.steps == [1, 2, 3]


def test_folds_have_curves_in_the_result_the_log_and_on_the_screen(write, toy, podium_cli):
    name = write(FITS.strip())
    validation = podium.cross_validate("toy", name)
    assert list(validation.curves) == list(validation.by_fold)
    assert all(curve.steps[-1] == 40 for curve in validation.curves.values())
    log = next(Path("out-of-fold/toy/demo").glob("log.jsonl")).read_text(encoding="utf-8")
    noted = json.loads(log.splitlines()[-1])["curves"]
    assert {int(fold): Curve.read(curve) for fold, curve in noted.items()} == validation.curves
    done = podium_cli("cv", "toy", name)
    assert "fold 0" in done.out
    assert "█▃▂" in done.out
    assert podium_cli("cv", "toy", name, "--json").json["curves"]["0"]["step"][-1] == 40


def test_plot_draws_curves_where_the_competition_draws_nothing(write, toy, podium_cli):
    podium.run("toy", write(FITS.strip()))
    done = podium_cli("plot", "toy", "mine")
    assert not done.status
    assert done.out.split() == ["plots/toy-demo-training.png"]
    assert Path("plots/toy-demo-training.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_takes_hostile_names_gaps_and_steps_that_fall():
    curve = Curve(steps=[1, 2, 1, 2], figures={"$x_{": [None, 1.0, 2.0, None], "_a": [None] * 4})
    figure = curves.picture({"$\\frac{": curve, "<b>": curve})
    figure.canvas.draw()
    panel = figure.axes[0]
    assert panel.get_xlabel() == "report"
    assert len(panel.get_legend().get_texts()) == 2
    drawn = curves.drawing("a/b", curve)
    assert drawn.lines[0].d.count("M") == 1
    assert drawn.lines[1].d == ""
    curves.drawing("a/b", Curve(steps=[0, 1 << 52], figures={"value": [-1e299, 1e299]}))


def test_a_page_escapes_what_another_board_says_is_a_curve(write, toy):
    done = podium.run("toy", write(FITS.strip()))
    board = open_board(workspace.database_url())
    (record,) = board.records(submission=done.row.submission)
    evil = "<script>x</script>"
    curve = {"step": [1, 2], evil: [1, 2]}
    lie = {"step": [1, 2], "value": ["<script>y</script>", 2]}
    for place, told in enumerate([curve, lie]):
        provenance = {**record.provenance, KEPT: told}
        odd = replace(record, submission=f"odd{place}", provenance=provenance)
        board.merge(Batch(records=[odd]))
    podium.report("toy")
    page = Path("report/toy-demo.html").read_text(encoding="utf-8")
    assert "<script>x" not in page
    assert "<script>y" not in page
    assert "&lt;script&gt;x" in page
