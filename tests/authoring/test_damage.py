"""The damage that measures the proof is real: each kind changes a figure, and only in the way it says."""

import pickle

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

from course_lib.authoring import damage, verify
from course_lib.authoring.same_figure import difference, shown

STEPS = np.arange(60)


@pytest.fixture
def kept(tmp_path):
    """A figure with curves, a bar, words and two images, as a kernel keeps it."""
    figure, (left, middle, right, last) = plt.subplots(1, 4, figsize=(12, 3))
    for place, name in enumerate(("plain", "residual")):
        left.plot(STEPS, np.exp(-STEPS / (10 + 20 * place)), label=name)
    left.set(title="Losses fall", xlabel="step")
    left.legend()
    middle.bar(["plain", "residual"], [0.4, 0.9])
    for axes, turned in ((right, False), (last, True)):
        ramp = np.tile(np.arange(16.0), (16, 1))
        axes.imshow(ramp.T if turned else ramp)
        axes.axis("off")
    file = tmp_path / "figure.pickle"
    file.write_bytes(pickle.dumps(figure))
    plt.close(figure)
    return file


def test_a_figure_that_is_not_damaged_is_drawn_again_as_it_was(kept):
    (a,), (b,) = shown([damage.redraw(kept)]), shown([damage.redraw(kept)])
    assert a == b and a.description["words"]


@pytest.mark.parametrize("kind", damage.FIGURE_DAMAGE)
def test_every_kind_finds_something_to_damage_and_it_is_seen(kept, kind):
    (whole,) = shown([damage.redraw(kept)])
    found = damage.FIGURE_DAMAGE[kind](pickle.loads(kept.read_bytes()))
    assert found and [one.size for one in found] == sorted(one.size for one in found)
    for one in found:
        (damaged,) = shown([damage.redraw(kept, one)])
        assert difference(whole, damaged, None), one.what


def test_an_empty_picture_keeps_its_size_and_its_description(kept):
    output = damage.redraw(kept)
    (whole,), (empty,) = shown([output]), shown([damage.blanked(output)])
    assert empty.description == whole.description and "blank" in difference(whole, empty, None)


def test_numbers_leave_their_band_by_little_and_other_numbers_by_a_digit():
    text = "loss: 0.5   [band 0 … 1] ✓\nparameters: 41\n"
    ((out, size),) = damage.outside_its_band(text)
    assert out == "loss: 1.01   [band 0 … 1] ✗\nparameters: 41\n" and size == 1
    assert damage.other_number(text) == ["loss: 0.5   [band 0 … 1] ✓\nparameters: 42\n"]


def test_a_staged_notebook_shows_other_outputs_than_it_committed(tmp_path):
    """Through nbval, as `course test` judges: what is equal passes, a changed text and a missing figure fail."""
    from course_lib.authoring.replay import stage

    def stream(text):
        return nbformat.v4.new_output("stream", name="stdout", text=text)

    figure, axes = plt.subplots(figsize=(3, 3))
    axes.plot(STEPS)
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(figure))
    drawn = nbformat.from_dict(damage.redraw(tmp_path / "a.pickle"))
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["no"])
    cells = [
        nbformat.v4.new_code_cell("print(1)", execution_count=1, outputs=[stream("1\n")]),
        nbformat.v4.new_code_cell("print(2)", execution_count=2, outputs=[stream("2\n")]),
        nbformat.v4.new_code_cell("plt.show()", execution_count=3, outputs=[drawn]),
        nbformat.v4.new_code_cell("plt.show() ", execution_count=4, outputs=[drawn]),
        nbformat.v4.new_code_cell("raise", execution_count=5, outputs=[error], metadata={"tags": ["raises-exception"]}),
    ]
    committed = nbformat.v4.new_notebook(cells=cells)
    (tmp_path / "notebooks").mkdir()
    path = stage(committed, {1: [stream("3\n")], 3: []}, tmp_path / "notebooks" / "00.ipynb")
    report = tmp_path / "report.xml"
    assert verify.run([path], ["-n0", f"--junitxml={report}"], root=tmp_path) == 1
    text = report.read_text()
    assert [f'name="Cell {n}" time' in text for n in range(5)] == [True] * 5 and 'failures="2"' in text
    assert "Cell 1" in text and "Cell 3" in text


def test_damage_is_plain_when_it_is_three_times_what_rounding_does_to_the_same_curve(kept):
    found = damage.another_curve(pickle.loads(kept.read_bytes()))
    assert all(one.is_plain({}) for one in found)
    (first, size) = (found[0], found[0].size)
    for part, plain in (("panel 1, line 1 (plain), y: mean", False), ("panel 1, line 11, y: mean", True)):
        assert first.is_plain({part: [size / 2]}) == plain
    assert first.is_plain({"panel 1, line 1 (plain), y: mean": [size / 3.1]})


def test_a_bar_on_a_logarithmic_axis_grows_by_a_twentieth_of_what_is_seen():
    figure, axes = plt.subplots()
    axes.barh(["noise", "ours"], [90.0, 2.0])
    axes.set(xscale="log", xlim=(1, 100))
    longer = damage.raised_curve(figure)[0]
    longer.do(figure)
    assert axes.patches[0].get_width() == pytest.approx(90 * 100**damage.NOTICED)
    plt.close(figure)
