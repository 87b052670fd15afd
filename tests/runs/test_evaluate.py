"""`course evaluate`: a table of every metric with its protocol, the same as JSON, and no in one line."""

import json
import weakref
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from course_lib.commands import app as cli
from course_lib.data import Images, data_dir, load
from course_lib.errors import CourseError
from course_lib.evaluation import Extractor, ScoreNames
from course_lib.recipes import RECIPES, Metric, gan_plan
from course_lib.runs import evaluate as verdict
from course_lib.runs import load_model

CPU = torch.device("cpu")
CHECKPOINTS = data_dir() / "checkpoints"
MINI = "fashion_mnist_mini"
N = 1_000


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)

    def call(*argv) -> tuple[int, str, str]:
        code = cli.main(["evaluate", *map(str, argv)])
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def garments():
    """The checkpoint with a card, against the embedded set."""
    return verdict.evaluate(CHECKPOINTS / "residual_gan", data=MINI, n=N)


# --- a trained generator --------------------------------------------------------------------------------------------


def test_the_checkpoint_keeps_what_its_card_promises(garments):
    rows = {row["name"]: row for row in garments.content["rows"]}
    card = json.loads((CHECKPOINTS / "residual_gan" / "card.json").read_text())
    assert garments.content["card"] == card["metrics"] and garments.content["recipe"] == "residual_gan"
    # Fewer samples, and fewer real pictures to compare with, than on the card.
    assert rows["samples"]["frechet_distance"] == pytest.approx(card["metrics"][0]["value"], rel=0.12)
    assert list(rows) == ["samples", "noise", "real"] and {row["n"] for row in rows.values()} == {N}
    distances = [rows[name]["frechet_distance"] for name in ("real", "samples", "noise")]
    assert 0 < distances[0] < 0.3 < 1 < distances[1] < 4 < 50 < distances[2]
    kernels = [rows[name]["kernel_distance"] for name in ("real", "samples", "noise")]
    assert abs(kernels[0]) < 4 * rows["real"]["kernel_standard_error"] < kernels[1] < kernels[2]
    assert rows["noise"]["recall"] < 0.05 < 0.6 < rows["samples"]["recall"] < rows["real"]["recall"]


def test_the_frechet_distance_is_that_of_the_recipe(garments, monkeypatch):
    """So that a card and the table agree; on cards it is of as many samples as the command's default."""
    assert gan_plan.JUDGED == verdict.MANY
    monkeypatch.setattr(gan_plan, "JUDGED", N)
    model, _ = load_model("residual_gan", CPU)
    (metric,) = RECIPES["residual_gan"].evaluate(model, MINI, CPU)
    assert metric.protocol.startswith(f"{N:,} samples, seed 1, against {MINI}, test split")
    assert garments.content["rows"][0]["frechet_distance"] == pytest.approx(metric.value, rel=1e-7)


def test_the_protocol_says_everything(garments):
    assert garments.content["protocol"] == {
        "data": MINI,
        "split": "test",
        "reference_n": 2_000,
        "extractor": "course classifier, 128 features",
        "score": "FD-clf",
        "resize": "none, 28×28 as they are",
        "bits": 8,
        "k": 3,
        "among": N,
        "seed": 1,
    }
    lines = garments.text.splitlines()
    folder = CHECKPOINTS / "residual_gan"
    assert lines[:5] == [
        f"residual_gan, 9,000 steps on fashion_mnist: {folder}",
        f"samples: seed 1; noise: uniform, seed 1; real: {MINI}, the first of the training split",
        f"against {MINI}, test split, N = 2,000",
        "by course classifier, 128 features; resize: none, 28×28 as they are; pictures rounded to 8 bits",
        "± is one standard error; precision and recall: k = 3, the first 1,000 of each set",
    ]
    assert lines[-1].startswith("on its card: FD-clf 2.233 (10,000 samples, seed 1, against fashion_mnist, test split")


def test_text_and_json_hold_the_same_numbers(garments):
    table = garments.text.split("\n\n")[1].splitlines()
    assert len({len(line) for line in table}) == 1
    for line, row in zip(table[1:], garments.content["rows"], strict=True):
        name, n, frechet, kernel, _, error, inception, precision, recall = line.replace(",", "").split()
        assert (name, n) == (row["name"], str(row["n"]))
        assert frechet == f"{row['frechet_distance']:.3f}" and inception == f"{row['inception_score']:.2f}"
        assert float(kernel) == pytest.approx(1000 * row["kernel_distance"], abs=float(error))
        assert float(error) == pytest.approx(1000 * row["kernel_standard_error"], rel=0.05)
        assert (precision, recall) == (f"{row['precision']:.3f}", f"{row['recall']:.3f}")


def test_the_command_prints_json_alone_and_the_same_each_time(run, monkeypatch):
    monkeypatch.setattr(verdict, "load", lambda name, split, limit=300: load(name, split, limit))  # quicker
    asked = [CHECKPOINTS / "residual_gan", "--data", MINI, "--n", "50", "--json"]
    code, out, err = run(*asked)
    assert (code, err) == (0, "") and run(*asked) == (code, out, err)
    content = json.loads(out)
    assert [row["n"] for row in content["rows"]] == [50] * 3 and content["protocol"]["among"] == 50
    other = json.loads(run(*asked, "--seed", "2")[1])
    assert other["rows"][0] != content["rows"][0] and other["rows"][1] != content["rows"][1]
    assert other["rows"][2] == content["rows"][2] and other["protocol"] == content["protocol"] | {"seed": 2}


# --- stand-ins ------------------------------------------------------------------------------------------------------

CARD = {
    "recipe": "dcgan",
    "arguments": {"data": None},
    "steps": 1_200,
    "metrics": [{"name": "FD-clf", "value": 5.0, "unit": "", "protocol": "of old"}],
}


class Flat(nn.Module):
    """Pictures → the means of their rows."""

    def forward(self, images):
        return images.mean(dim=(1, 3))


@pytest.fixture
def stub(monkeypatch, tmp_path):
    """A run in the place of a trained one, random pictures in the place of the data: what is asked is remembered."""

    def put(shape=(1, 28, 28), train=30, test=40, metrics=None):
        dice = torch.Generator().manual_seed(3)
        asked = SimpleNamespace(sets=[], data=[], samples=[], folder=tmp_path)

        def sample(model, n, seed):
            asked.samples.append((n, seed))
            return torch.rand(n, *shape, generator=dice)

        def load(name, split, limit=None):
            asked.sets.append((name, split, limit))
            n = min(limit or 10**6, {"train": train, "test": test}[split])
            pixels = torch.randint(0, 256, (n, *shape), generator=dice, dtype=torch.uint8)
            return Images(pixels, torch.zeros(n, dtype=torch.int64), ("x",), name, split)

        def measure(model, data, device):
            asked.data.append(data)
            return metrics

        kind = "generator" if metrics is None else "restorer"
        recipe = SimpleNamespace(name="dcgan", kind=kind, data=MINI, evaluate=measure)
        monkeypatch.setattr(verdict, "RECIPES", {"dcgan": recipe})
        monkeypatch.setattr(verdict, "read_card", lambda folder: CARD)
        monkeypatch.setattr(verdict, "load_model", lambda folder, device, card: (nn.Identity(), card))
        monkeypatch.setattr(verdict, "sample_images", sample)
        monkeypatch.setattr(verdict, "load", load)
        flat = Extractor("flat", shape[1], "none", Flat())
        monkeypatch.setattr(verdict, "garments", lambda device: flat)
        return asked

    return put


def test_what_is_not_asked_for_is_as_on_the_cards(stub):
    asked = stub(train=6, test=5)
    content = verdict.evaluate(asked.folder).content
    assert asked.samples == [(10_000, 1)]
    assert asked.sets == [(MINI, "test", None), (MINI, "train", 10_000)]
    assert content["protocol"]["seed"] == 1 and content["card"] == CARD["metrics"]


def test_every_row_says_its_n_and_precision_looks_at_equal_numbers(stub):
    asked = stub(train=30, test=40)
    found = verdict.evaluate(asked.folder, n=50, seed=7, data="mnist")
    assert [row["n"] for row in found.content["rows"]] == [50, 50, 30]
    assert found.content["protocol"]["among"] == 30 and "first 30 of each" in found.text
    assert all(row["inception_score"] is None for row in found.content["rows"])
    assert asked.samples == [(50, 7)] and "against mnist, test split, N = 40" in found.text


def test_one_set_of_pictures_at_a_time(stub):
    """Each set is gone when the next one comes: N may be large."""
    asked, alive = stub(), []
    sample = verdict.sample_images

    def watched(model, n, seed):
        pictures = sample(model, n, seed)
        alive.append(weakref.ref(pictures))
        return pictures

    seen = []
    flat = verdict.garments(CPU)
    watching = Extractor("flat", 28, "none", lambda x: seen.append(alive[0]() is not None) or flat.features(x))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdict, "garments", lambda device: watching)
        patch.setattr(verdict, "sample_images", watched)
        verdict.evaluate(asked.folder, n=20)
    assert seen == [True, False, False, False]


def test_colour_needs_the_other_extractor(run, stub):
    asked = stub(shape=(3, 32, 32))
    code, out, err = run(asked.folder, "--n", "20")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "3×32×32" in err and "--extractor inception" in err and asked.samples == []


def test_the_other_extractor_is_asked_by_name(stub, monkeypatch):
    asked = stub(shape=(3, 32, 32))
    flat = Extractor("the standard one", 32, "to 299×299", Flat(), names=ScoreNames("FID", "KID", "IS"))
    monkeypatch.setattr(verdict, "inception", lambda device: flat)
    found = verdict.evaluate(asked.folder, n=20, extractor="inception")
    assert "by the standard one; resize: to 299×299" in found.text and "KID ×1000" in found.text
    assert found.content["protocol"]["score"] == "FID"


def test_what_is_no_number_is_null_in_json(stub):
    values = float("nan"), float("inf")
    metrics = [Metric(name, value, "dB", "photos") for name, value in zip(("a", "b"), values, strict=True)]
    asked = stub(metrics=metrics)
    found = verdict.evaluate(asked.folder)
    assert [row["value"] for row in found.content["rows"]] == [None, None] and "nan" in found.text
    json.dumps(found.content, allow_nan=False)


def test_a_missing_set_names_the_option(stub, monkeypatch):
    asked = stub()

    def offline(name, split):
        raise CourseError(f"{name} could not be downloaded")

    monkeypatch.setattr(verdict, "load", offline)
    monkeypatch.setattr(verdict, "read_card", lambda folder: CARD | {"arguments": {"data": "fashion_mnist"}})
    with pytest.raises(CourseError, match=rf"^fashion_mnist could not .* --data {MINI}$"):
        verdict.evaluate(asked.folder)
    with pytest.raises(CourseError, match=r"downloaded$"):
        verdict.evaluate(asked.folder, data="mnist")
    monkeypatch.setattr(verdict, "read_card", lambda folder: CARD)  # trained on the recipe's own: no better advice
    with pytest.raises(CourseError, match=r"downloaded$"):
        verdict.evaluate(asked.folder)


# --- runs that make no pictures -------------------------------------------------------------------------------------


def test_other_runs_are_judged_by_their_own_metrics(stub):
    now = [Metric("FD-clf", 4.5, "", "of today"), Metric("PSNR", 31.0, "dB", "of today, N = 3")]
    asked = stub(metrics=now)
    found = verdict.evaluate(asked.folder, data="mnist")
    assert asked.data == ["mnist"]
    found = verdict.evaluate(asked.folder)
    assert asked.data == ["mnist", MINI]
    assert found.content == {
        "recipe": "dcgan",
        "protocol": {"data": MINI, "split": "test"},
        "rows": [vars(metric) for metric in now],
        "card": CARD["metrics"],
    }
    assert found.text.splitlines() == [
        f"dcgan, 1,200 steps on {MINI}: {asked.folder}",
        "",
        "metric         value  unit  protocol",
        "FD-clf           4.5        of today",
        "  on its card      5        of old",
        "PSNR              31  dB    of today, N = 3",
    ]


def test_the_sharpener_and_its_card(run):
    code, out, err = run(CHECKPOINTS / "sharpen")
    assert (code, err) == (0, "")
    assert out.count("on its card") == out.count("the same") == 3 and "photos, test split, N = 3" in out
    network, card = out.splitlines()[-2:]
    assert float(network.split()[2]) == pytest.approx(float(card.split()[3]), abs=0.05)


@pytest.mark.parametrize("option", [["--n", "50"], ["--seed", "0"], ["--extractor", "garments"]])
def test_they_have_no_use_for_options_about_pictures(run, stub, option):
    asked = stub(metrics=[])
    code, out, err = run(asked.folder, *option)
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert " ".join(option) in err and "dcgan generates no images" in err


# --- the command line -----------------------------------------------------------------------------------------------


def test_everything_is_passed_on(run, monkeypatch, tmp_path):
    calls = []
    answer = verdict.Verdict("the table", {"σ": 1})
    monkeypatch.setattr(verdict, "evaluate", lambda *args, **options: calls.append((args, options)) or answer)
    options = ["--data", "mnist", "--n", "9", "--seed", "0", "--extractor", "inception"]
    assert run(tmp_path, *options) == (0, "the table\n", "")
    assert run(tmp_path, "--json") == (0, '{\n  "σ": 1\n}\n', "")
    given = {"data": "mnist", "n": 9, "seed": 0, "extractor": "inception"}
    assert calls == [((tmp_path,), given), ((tmp_path,), dict.fromkeys(given))]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "course evaluate --help"),
        (["nowhere"], "nowhere is not a folder"),
        ([__file__], "is not a folder"),
        ([data_dir()], "no finished run"),
        (["DIR", "--n", "3"], "--n 3 is too few"),
        (["DIR", "--n", "-1"], "--n -1 is too few"),
        (["DIR", "--n", "many"], "--n"),
        (["DIR", "--seed", "x"], "--seed"),
        (["DIR", "--extractor", "vgg"], "give garments or inception"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(run, stub, argv, said):
    if argv[:1] == ["DIR"]:
        argv = [stub().folder, *argv[1:]]
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith("course: ") and said in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data", "mnist_mini"], "unknown data set"),
        (["--data", "photos"], "give a set of one size: fashion_mnist_mini"),
        (["--seed", "-1", "--data", MINI], "seed -1"),
        (["--n", "1000000000", "--data", MINI], "1,000,000"),
    ],
)
def test_so_is_what_the_run_cannot_do(run, options, said):
    code, out, err = run(CHECKPOINTS / "residual_gan", *options)
    assert (code, out) == (2, "") and err.count("\n") == 1 and said in err


def test_so_are_pictures_of_their_own_sizes_where_one_size_is_wanted(run):
    code, out, err = run(CHECKPOINTS / "classifier", "--data", "photos")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "photos has images of various sizes; give a set of one size: fashion_mnist_mini" in err
