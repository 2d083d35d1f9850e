"""The static site: what is on it, what must not be, and what a real browser makes of it."""

import base64
import hashlib
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import podium
import podium.competitions
from podium import workspace
from podium.errors import BoardError, MissingPackageError, PodiumError
from podium.leaderboard.board import Batch, open_board
from podium.leaderboard.record import now
from podium.reporting import GENERATOR, write
from podium.reporting.charts import POINTS, stairs, thinned, time_axis, values_axis
from podium.reporting.page import chosen
from podium.reporting.tables import ROWS

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<svg onload=alert(2)>",
    "\" onpointerover=alert(3) x='",
    "{{ 7 * 7 }}{% raw %}",
    "]]></title><img src=x onerror=alert(4)>",
    "&lt;b&gt; &#x3C;",
)
VOID = {"meta", "input", "img", "br"}


@pytest.fixture
def filled(toy, sample):
    """A sealed board of two teams."""
    rng = np.random.default_rng(0)
    for team, spread in (("ana", 0.5), ("ana", 1.0), ("bob", 2.0)):
        sample.assign(y=spread * rng.normal(size=len(sample))).to_csv("f.csv", index=False)
        podium.submit("toy", "f.csv", team=team, name=f"spread {spread}", message="a remark")
    return open_board(workspace.database_url())


@pytest.fixture
def hostile(filled):
    """The same board with names that no command would take, as another database may hold them."""
    records = [r for r in filled.records() if r.kind == "scored"]
    odd = [
        replace(
            records[0],
            submission=f"odd{place}",
            team=f"{text}{place}",
            name=text,
            model=f"{text}.py",
            message=f"{text}\n‮drow",
        )
        for place, text in enumerate(HOSTILE)
    ]
    filled.merge(Batch(records=odd))
    return filled


class Page(HTMLParser):
    """Elements and attributes of a page; refuses tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def page(folder="report", name="toy-demo"):
    return Path(folder, f"{name}.html").read_text(encoding="utf-8")


def test_an_index_and_a_page_for_each_board(filled, podium_cli):
    done = podium_cli("report", "--json")
    assert done.json == {
        "index": "report/index.html",
        "pages": ["report/toy-demo.html"],
        "missing": [],
    }
    index = Page(Path("report/index.html").read_text())
    assert ("href", "toy-demo.html") in index.attributes
    found = Page(page())
    for title in ("Board", "Score over time", "Strata", "Who beats whom", "Teams"):
        assert title in found.text
    assert "Public against private" not in found.text
    for row in podium.board("toy"):
        assert row.submission in found.text
        assert f"{row.score:.4f}" in found.text
    assert "sealed" in found.text
    assert podium_cli("report", "toy").out.splitlines() == [
        "report/index.html",
        "report/toy-demo.html",
    ]


def test_before_reveal_no_file_holds_anything_private(filled):
    write(Path("report"))
    text = "\n".join(file.read_text(errors="replace") for file in Path("report").glob("**/*.*"))
    known, hidden = set(), set()
    for record in filled.records():
        known |= figures(record.public)
        hidden |= figures(record.private) | figures(record.all)
    assert len(hidden - known) > 20
    shown = set(re.findall(r"-?\d+\.\d{3,}", text))
    assert len(shown & known) > 5
    assert not shown & (hidden - known)
    podium.reveal("toy")
    write(Path("report"))
    assert len(set(re.findall(r"-?\d+\.\d{3,}", page())) & (hidden - known)) > 5


def figures(card):
    """Scores and interval ends of a card, whole and as they would be rounded."""
    values = [v for part in (card, *card["strata"].values()) for v in part["scores"].values()]
    values += [v for part in (card, *card["strata"].values()) for v in part["ci"] or ()]
    return {form for v in values for form in (repr(v), *(f"{v:.{n}f}" for n in (3, 4, 5, 6)))}


def test_after_reveal_both_parts_are_there(filled, monkeypatch):
    monkeypatch.setattr("podium.scoring.tiers.FEWEST", 2)
    podium.reveal("toy")
    write(Path("report"))
    found = Page(page())
    assert "Public against private" in found.text
    assert "public rank" in found.text
    assert "ranks moved by" in found.text
    for part in ("public", "private"):
        for row in podium.board("toy", part=part):
            if row.rank:
                assert f"{row.score:.4f}" in found.text


def test_a_team_has_one_place_everywhere(filled):
    """After reveal its first row need not be the one that stands for it."""
    record = next(r for r in filled.records() if r.kind == "scored")

    def card(part, rmse):
        return {**part, "scores": {**part["scores"], "rmse": rmse}}

    tries = (("cid", 0.02, 0.01), ("cid", 0.01, 0.03), ("eve", 0.05, 0.02))
    filled.merge(
        Batch(
            records=[
                replace(
                    record,
                    submission=f"try {number}",
                    team=team,
                    public=card(record.public, public),
                    private=card(record.private, private),
                )
                for number, (team, public, private) in enumerate(tries)
            ]
        )
    )
    podium.reveal("toy")
    write(Path("report"))
    names = dict(re.findall(r'<option value="(\d+)">([^<]+)</option>', page()))
    assert list(names.values()) == ["eve", "cid", "ana", "bob"]
    rows = re.findall(r'<tr class="scored[^"]*" data-team="(\d+)">\s*(?:<td[^>]*>[^<]*</td>){2}'
                      r"\s*<td>([^<]+)</td>", page())  # fmt: skip
    assert len(rows) == 6
    assert all(names[place] == team for place, team in rows)


def test_text_of_users_is_never_markup(hostile):
    podium.reveal("toy")
    write(Path("report"))
    for file in Path("report").glob("*.html"):
        text = file.read_text(encoding="utf-8")
        found = Page(text)
        assert found.tags.count("script") == 1
        assert "img" not in found.tags
        assert not [name for name, _ in found.attributes if name.startswith("on")]
        assert "<!--" not in text
        assert "‮" not in text
        assert "49{%" not in text
    for name in HOSTILE:
        assert name in Page(page()).text
    tips = [value for name, value in Page(page()).attributes if name == "data-tip"]
    assert any(HOSTILE[2] in tip for tip in tips)


def test_the_browser_may_run_the_one_script_only(filled):
    write(Path("report"))
    (script,) = re.findall(r"<script>(.*?)</script>", page(), re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'; img-src 'self' file:; style-src" in page()
    assert f"script-src 'sha256-{digest}'" in page()
    assert not re.search(r"(src|href)=\"?(https?:)?//", page())
    assert "http:" not in page()
    assert "https:" not in page()


def test_the_same_board_gives_the_same_bytes(filled):
    write(Path("one"))
    write(Path("two"))
    for file in Path("one").iterdir():
        assert file.read_bytes() == Path("two", file.name).read_bytes()


def test_nothing_to_show_and_places_that_cannot_be_written(toy, sample, podium_cli):
    with pytest.raises(BoardError, match="no board here yet"):
        write(Path("report"))
    sample.to_csv("f.csv", index=False)
    podium.submit("toy", "f.csv")
    with pytest.raises(PodiumError, match="Unknown competition 'tox'"):
        write(Path("report"), "tox")
    with pytest.raises(BoardError, match="Nothing of sirna can be shown"):
        write(Path("report"), "sirna")
    Path("file").write_text("")
    assert podium_cli("report", "--out", "file").status == 1
    Path("site").mkdir()
    Path("site/index.html").write_text("<h1>my site</h1>")
    with pytest.raises(PodiumError, match="is no report"):
        write(Path("site"))
    assert Path("site/index.html").read_text() == "<h1>my site</h1>"
    write(Path("report"))
    assert GENERATOR in Path("report/index.html").read_text()
    write(Path("report"))


def test_boards_that_cannot_be_shown_are_named(filled, podium_cli):
    record = next(r for r in filled.records() if r.kind == "scored")
    filled.merge(Batch(records=[replace(record, competition="gone", submission="gone")]))
    done = podium_cli("report")
    assert done.status == 0
    assert "no page: gone/demo: Unknown competition 'gone'" in done.err
    assert "gone/demo" in Path("report/index.html").read_text()


def test_the_index_has_a_card_for_each_board(filled):
    write(Path("report"))
    index = Path("report/index.html").read_text(encoding="utf-8")
    (card,) = re.findall(r'<article class="card">.*?</article>', index, re.S)
    board = podium.board("toy", best_per_team=True)
    ceiling = next(row for row in board if row.status == "ceiling")
    control = next(row for row in board if row.status == "control")
    ranked = [row for row in board if row.rank]
    titles = re.findall(r'<th scope="row">([^<]+)</th>', card)
    assert titles == [
        "ceiling",
        *(f"{r.team}/{r.name}" for r in ranked),
        f"{control.name} (control)",
    ]
    for row in (ceiling, *ranked, control):
        assert f'<td class="n">{row.score:.4f}</td>' in card
    assert card.count('class="bar"') == len(titles)
    assert "3 submissions of 2 teams" in card
    assert "public rmse, less is better" in card
    podium.reveal("toy")
    write(Path("report"))
    assert "private rmse, less is better" in Path("report/index.html").read_text()


def test_the_index_keeps_the_cards_of_other_boards(filled, workspace, monkeypatch):
    other = workspace / "competitions" / "tea"
    shutil.copytree(Path(__file__).parents[1] / "toy", other)
    text = (other / "competition.py").read_text()
    (other / "competition.py").write_text(text.replace('name="toy"', 'name="tea"'))
    known = [*podium.competitions.__path__, str(other.parent)]
    monkeypatch.setattr("podium.competitions.__path__", known)
    podium.submit("tea", "f.csv", team="ana")
    write(Path("report"))
    before = page(name="tea-demo")
    for only in ("toy", "tea"):
        assert [file.name for file in write(Path("report"), only).pages] == [f"{only}-demo.html"]
        index = Path("report/index.html").read_text(encoding="utf-8")
        assert re.findall(r'<h2><a href="([^"]+)"', index) == ["tea-demo.html", "toy-demo.html"]
    assert page(name="tea-demo") == before
    write(Path("alone"), "toy")
    assert "tea-demo" not in Path("alone/index.html").read_text()


def test_rows_of_one_file_fold_into_one(filled, sample):
    podium.submit("toy", "f.csv", team="eve", name="mine too")
    write(Path("report"))
    rows = re.findall(r'<tr class="scored.*?</tr>', page(), re.S)
    assert len(rows) == 3
    (row,) = [row for row in rows if "eve" in row]
    assert "1 more of the same file" in row
    copy = next(row for row in podium.board("toy") if row.team == "eve")
    assert f"eve/mine too, {copy.created[:10]}" in row
    assert copy.submission in row
    teams = {
        text: place for place, text in re.findall(r'<option value="(\d+)">([^<]+)</option>', page())
    }
    assert f'data-team="{teams["bob"]}" data-same="{teams["eve"]} "' in row


def test_without_pictures_the_page_says_why(filled, podium_cli):
    write(Path("report"))
    assert "toy draws no pictures of its own." in page()
    assert "toy has no pictures" in podium_cli("cv", "toy", "constant", "--plot", "x").err


@pytest.mark.slow
def test_many_submissions_stay_small(filled):
    record = next(r for r in filled.records() if r.kind == "scored")
    rng = np.random.default_rng(0)
    many = []
    for place in range(ROWS + 500):
        value = float(rng.random())
        card = {**record.public, "scores": {**record.public["scores"], "rmse": value}}
        names = {"submission": f"s{place:04d}", "team": f"team {place % 40}", "created": now()}
        many.append(replace(record, **names, public=card))
    filled.merge(Batch(records=many))
    write(Path("report"))
    found = Page(page())
    assert len(page()) < 1_200_000
    assert found.tags.count("circle") <= POINTS + 100
    assert "503 more ranked ones" in found.text


@pytest.mark.slow
def test_pictures_of_the_competition_stand_without_truth_before_reveal(monkeypatch):
    pytest.importorskip("matplotlib")
    podium.run("imputation", "none", team="ana")
    write(Path("report"))
    text = page(name="imputation-demo")
    files = re.findall(r'<img loading="lazy" src="([^"]+)"', text)
    assert files
    assert all(Path("report", file).is_file() for file in files)
    assert "Without the truth" in text
    write(Path("again"))
    for file in ["imputation-demo.html", *files]:
        assert Path("report", file).read_bytes() == Path("again", file).read_bytes()

    def without(*arguments):
        raise MissingPackageError("Drawing", "matplotlib")

    monkeypatch.setattr("podium.reporting.plotting.plot", without)
    write(Path("report"))
    assert "None: Drawing needs the package matplotlib" in page(name="imputation-demo")
    for file in Path("submissions").rglob("*.*"):
        file.unlink()
    write(Path("report"))
    assert "The predictions of the best submissions are not here" in page(name="imputation-demo")


def test_the_heat_map_has_the_best_of_each_team_first(filled):
    ranked = [row for row in podium.board("toy") if row.rank]
    assert [row.team for row in chosen(ranked, 2)] == ["ana", "bob"]
    assert chosen(ranked, 3) == ranked
    assert chosen(ranked, 1) == ranked[:1]


def test_scales():
    axis = values_axis([0.5, 0.6, 0.7], 0, 100)
    assert [axis.at(value) for value in (0.4, 0.6, 0.8)] == [0.0, 50.0, 100.0]
    assert [text for _, text in axis.ticks] == ["0.50", "0.55", "0.60", "0.65", "0.70"]
    far = values_axis([*np.linspace(1, 2, 100), 1e6], 0, 100, higher=False)
    assert far.high < 10
    assert not far.holds(1e6)
    assert values_axis([3.0, 3.0], 0, 1).holds(3.0)
    assert values_axis([], 0, 1).ticks
    assert values_axis([-1e308, 1e308, 5.0], 0, 1).ticks
    assert values_axis([1e-300, 3e-300], 0, 1).ticks
    assert len(time_axis([-6.2e10, 2.5e11], 0, 1).ticks) <= 6
    hours = time_axis([0.0, 6 * 3600.0], 0, 100)
    assert [text for _, text in hours.ticks][:2] == ["01-01 00:00", "01-01 03:00"]
    assert time_axis([5.0, 5.0], 0, 100).ticks
    assert stairs([(1, 4), (2.5, 3)], 9) == "M1 4H2.5V3H9"
    assert thinned("abcde", 3) == ["a", "c", "e"]
    assert thinned([], 3) == []


def browser():
    """A Chromium, or a skip with the reason."""
    found = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        pytest.skip("no Chromium here")
    return found


@pytest.mark.slow
def test_a_real_browser_runs_the_script_and_nothing_else(hostile, tmp_path):
    write(Path("report"))
    done = subprocess.run(
        [
            browser(), "--headless=new", "--no-sandbox", "--disable-gpu",
            f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=3000", "--dump-dom",
            Path("report/toy-demo.html").absolute().as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    dom = done.stdout
    rows = len(re.findall(r'<tr class="[a-z ]+" data-team', page()))
    assert rows > 4
    assert f"{rows} of {rows} rows" in dom
    assert 'id="tip"' in dom
    assert not re.search(r"<(img|svg)[^>]* on\w+=", dom)
    assert dom.count("<script") == 1
