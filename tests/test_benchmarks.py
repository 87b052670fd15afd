"""The benchmarks run, and their tables say what was measured."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from course_lib.data import data_dir
from course_lib.runs import read_card

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def module(name: str):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def race(tmp_path, monkeypatch):
    loaded = module("gan_race")
    monkeypatch.setattr(loaded, "JUDGED", 100)
    for name, file in (("RESULTS", "r.json"), ("TABLE", "race.md"), ("FIGURE", "race.png")):
        monkeypatch.setattr(loaded, name, tmp_path / file)
    return loaded


def test_every_contender_can_race(race):
    record = race.race(list(race.CONTENDERS), seeds=1, seconds=0.05, data="fashion_mnist_mini")
    assert [result["name"] for result in record["results"]] == list(race.CONTENDERS)
    assert all(result["steps"] >= 1 and 0 < result["fd_clf"] < 1000 for result in record["results"])
    assert record["ends"]["real training pictures"] < record["ends"]["noise"]
    race.write_table(record)
    race.draw(record)
    assert race.FIGURE.stat().st_size > 5000 and "residual_gan" in race.TABLE.read_text()


def test_the_table_holds_medians_and_the_best_rival(race):
    scores = {"MLP GAN": [9, 30, 20], "DCGAN": [14, 12, 13], "residual_gan": [5, 4, 6]}
    results = [
        {"name": name, "seed": seed, "fd_clf": value, "steps": 10 * (seed + 1), "weights": 7}
        for name, values in scores.items()
        for seed, value in enumerate(values)
    ]
    machine = {"device": "cpu", "threads": 2}
    ends = {"noise": 96.0, "real training pictures": 0.04}
    race.write_table({"protocol": "60 s", "machine": machine, "ends": ends, "results": results})
    table = race.TABLE.read_text()
    assert "| MLP GAN | 20.0 | 9.0, 20.0, 30.0 | 20 | 7 |" in table
    assert "at 0.38 of the best rival's distance (13.0)" in table


def test_the_published_table_is_the_one_of_the_saved_results(tmp_path, monkeypatch):
    loaded = module("gan_race")
    published = loaded.TABLE.read_text()
    record = json.loads(loaded.RESULTS.read_text())
    assert {result["name"] for result in record["results"]} == set(loaded.CONTENDERS)
    monkeypatch.setattr(loaded, "TABLE", tmp_path / "race.md")
    loaded.write_table(record)
    assert (tmp_path / "race.md").read_text() == published


def test_restoration_compares_every_method_on_the_same_holes():
    loaded = module("restoration_quality")
    lines = loaded.inpainting(judged=3)
    table = [line for line in lines if line.startswith("|") and "---" not in line and "| method" not in line]
    assert len(table) == 9 and all(len(line.split("|")) == 6 for line in table)
    names = [line.split("|")[1].strip() for line in table[:3]]
    assert names[:2] == ["mean fill", "biharmonic"] and names[2].startswith("`inpaint`, trained on boxes (487,")


@pytest.mark.parametrize(
    ("name", "metric", "row"),
    [
        ("denoise", "PSNR noisy", "| noisy "),
        ("denoise", "PSNR non-local means", "| non-local means "),
        ("denoise", "PSNR network", "| `denoise`"),
        ("super_resolution", "PSNR bicubic", "| bicubic "),
        ("super_resolution", "PSNR network", "| `super_resolution`"),
        ("srgan", "PSNR network", "| `srgan` ("),
        ("inpaint", "PSNR biharmonic", "| biharmonic "),
        ("inpaint", "PSNR network", "| `inpaint`"),
    ],
)
def test_the_published_table_of_restoration_says_what_the_cards_say(name, metric, row):
    loaded = module("restoration_quality")
    lines = loaded.TABLE.read_text(encoding="utf-8").splitlines()
    published = next(float(line.split("|")[2]) for line in lines if line.startswith(row))
    card = read_card(data_dir() / "checkpoints" / name)
    measured = next(entry["value"] for entry in card["metrics"] if entry["name"] == metric)
    assert published == pytest.approx(measured, abs=0.02)


# --- how far the proof of the notebooks can be trusted ----------------------------------------------------------------


def test_damage_in_one_cell_never_hides_damage_in_another():
    loaded = module("verification")
    drawn = [("kind", "what", cell, []) for cell in (1, 2, 1, 3, 1)]
    groups = loaded.packed(drawn)
    assert [[damage[2] for damage in group] for group in groups] == [[1, 2, 3], [1], [1]]


def test_the_proofs_table_counts_and_names_what_went_wrong():
    loaded = module("verification")
    kind = "a curve gone"
    good = {
        "exchanged": 0,
        "small": 2,
        "total": 50,
        "figures": 9,
        "false": [],
        "of": Counter({kind: 3}),
        "caught": Counter({kind: 3}),
        "misses": [],
    }
    bad = good | {
        "false": ["own: cell [4]: size"],
        "caught": Counter({kind: 2}),
        "misses": [f"{kind}: cell [7], panel 1"],
    }
    table = loaded.table({"00_start_here": good, "01_residual_blocks": bad})
    assert "| 00_start_here | 9 | 4 | 0 |" in table and "| 01_residual_blocks | 9 | 4 | 1 |" in table
    assert f"| {kind} | 3/3 | 2/3 | 5/6 |" in table and "| another axis | – | – | 0/0 |" in table
    assert "00_start_here 2 of 50; 01_residual_blocks 2 of 50." in table
    assert "- 01_residual_blocks: own: cell [4]: size" in table
    assert f"- 01_residual_blocks: {kind}: cell [7], panel 1" in table


def test_the_published_proof_has_no_false_alarm_and_no_miss():
    loaded = module("verification")
    table = (loaded.ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    assert "False alarms, by name.** None." in table and "Misses, by name.** None." in table
    for path in sorted((loaded.ROOT / "notebooks").glob("*.ipynb")):
        assert f"| {path.stem} |" in table, f"{path.stem} is not in it: python benchmarks/verification.py"
