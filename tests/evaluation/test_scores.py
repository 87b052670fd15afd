"""All measures at once: the same numbers as the measures one by one, and a table that says how they came about."""

import pytest
import torch
from torch import nn

from course_lib.data import load
from course_lib.errors import CourseError
from course_lib.evaluation import (
    Extractor,
    Features,
    ScoreNames,
    Scores,
    compare,
    extract_features,
    features,
    garments,
    score_table,
)
from course_lib.evaluation.inception_input import PREPARATIONS
from course_lib.metrics import FeatureStats, frechet_distance, inception_score, kernel_distance, precision_recall

CPU = torch.device("cpu")
DIM = 5


class Toy(nn.Module):
    """Pictures N×1×4×4 → N×5; batch norm makes the mode matter, dropout is already held in evaluation mode."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(16, DIM), nn.BatchNorm1d(DIM), nn.Dropout(0.5))
        self.sizes = []
        self.train()
        self.layers[3].eval()

    def forward(self, images):
        self.sizes.append(len(images))
        assert not torch.is_grad_enabled() and not self.training
        return self.layers(images)

    def twice(self, images):
        return 2 * self(images)


def extractor(features, probabilities=None, names=("FD", "KD", "IS")):
    return Extractor("toy, 5 features", DIM, "none", features, probabilities, ScoreNames(*names))


def pictures(n, seed=0, shift=0.0):
    return (torch.rand(n, 1, 4, 4, generator=torch.Generator().manual_seed(seed)) + shift).clamp(0, 1)


@pytest.fixture(scope="module")
def sets():
    """40 pictures and 60 for reference, as features with probabilities."""
    toy = extractor(Toy(), lambda features: features.softmax(1))
    return extract_features(pictures(40, shift=0.2), toy), extract_features(pictures(60, seed=1), toy)


# --- look -----------------------------------------------------------------------------------------------------------


def test_the_features_are_the_networks_own_in_evaluation_mode_whatever_the_batch():
    toy = Toy()
    modes = [part.training for part in toy.modules()]
    images = pictures(23)
    seen = extract_features(images, extractor(toy, lambda features: features.softmax(1)), batch_size=10)
    assert toy.sizes == [10, 10, 3]
    assert [part.training for part in toy.modules()] == modes and any(modes) and not all(modes)
    with torch.no_grad():
        wanted = toy.eval()(images)
    torch.testing.assert_close(seen.vectors, wanted)
    torch.testing.assert_close(seen.probabilities, wanted.softmax(1))
    assert seen.vectors.shape == (23, DIM) and not seen.vectors.requires_grad


def test_a_method_of_a_network_and_a_plain_function_will_do():
    toy = Toy()
    seen = extract_features(pictures(9), extractor(toy.twice))
    assert toy.training and seen.probabilities is None
    torch.testing.assert_close(seen.vectors, 2 * extract_features(pictures(9), extractor(toy)).vectors)
    weight = torch.ones(1, requires_grad=True)
    flat = extract_features(pictures(9), extractor(lambda images: weight * images.flatten(1)))
    assert torch.equal(flat.vectors, pictures(9).flatten(1)) and not flat.vectors.requires_grad


def test_no_pictures_is_one_line():
    with pytest.raises(CourseError, match="no images"):
        extract_features(pictures(0), extractor(Toy()))


def test_nothing_is_said(capsys):
    extract_features(pictures(9), extractor(Toy()), batch_size=1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_pictures_go_to_the_extractors_device_and_features_come_back():
    images = load("fashion_mnist_mini", "test", limit=300).tensors()[0]
    here, there = (extract_features(images, garments(torch.device(name))) for name in ("cpu", "cuda"))
    assert there.vectors.device == there.probabilities.device == CPU
    torch.testing.assert_close(there.vectors, here.vectors, rtol=1e-2, atol=1e-2)  # TF32 may be on


# --- compare --------------------------------------------------------------------------------------------------------


def test_every_number_is_that_of_its_own_measure(sets):
    fake, real = sets
    got = compare(real, fake, k=2)
    one, other = (FeatureStats(DIM).update(part.vectors) for part in sets)
    assert got.frechet_distance == pytest.approx(frechet_distance(one.mean, one.cov, other.mean, other.cov), rel=1e-9)
    kernel = kernel_distance(real.vectors, fake.vectors)
    assert (got.kernel_distance, got.kernel_standard_error) == kernel
    assert got.inception_score == inception_score(fake.probabilities)
    shares = precision_recall(real.vectors[:40], fake.vectors[:40], 2)
    assert (got.precision, got.recall) == shares and 0 < shares.precision != shares.recall
    assert (got.n, got.reference_n, got.k, got.among) == (40, 60, 2, 40)


def test_precision_and_recall_look_at_the_first_so_many_of_both(sets):
    fake, real = sets
    got = compare(real, fake, among=25)
    shares = precision_recall(real.vectors[:25], fake.vectors[:25])
    assert (got.precision, got.recall) == shares and got.among == 25
    rest = got._replace(**compare(real, fake)._asdict() | {"precision": got.precision, "recall": got.recall})
    assert rest._replace(among=25) == got  # nothing else has changed


def test_without_probabilities_there_is_no_inception_score(sets):
    fake, real = sets
    got = compare(real, Features(fake.vectors))
    assert got.inception_score is None and got == compare(real, fake)._replace(inception_score=None)


def test_the_references_statistics_are_computed_once(sets, monkeypatch):
    counted, whole = [], features.Gaussian.of
    monkeypatch.setattr(features.Gaussian, "of", lambda features: counted.append(len(features)) or whole(features))
    reference = Features(sets[1].vectors)
    for _ in range(3):
        compare(reference, Features(sets[0].vectors))
    assert sorted(counted) == [40, 40, 40, 60]


def test_fewer_pictures_than_features_will_do():
    few, real = Features(torch.rand(4, 9)), Features(torch.rand(30, 9))
    mean, cov = few.vectors.double().mean(0), torch.cov(few.vectors.double().T)
    got = compare(real, few)
    wanted = frechet_distance(mean, cov, real.gaussian.mu, real.gaussian.sigma)
    assert got.frechet_distance == pytest.approx(wanted, rel=1e-6) and got.n == got.among == 4


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ((30, 7), {}, "the same d in both"),
        ((1, DIM), {}, "1 vectors"),
        ((3, DIM), {}, "k = 3"),
        ((30, DIM), {"k": 0}, "k = 0"),
        ((30, DIM), {"k": 30}, "k = 30"),
        ((30, DIM), {"among": 3}, "k = 3 with 3 real"),
        ((30, DIM), {"among": 31}, "among = 31, but the smaller set holds 30"),
    ],
)
def test_what_cannot_be_compared_is_one_line(sets, shape, options, said):
    with pytest.raises(CourseError, match=said) as error:
        compare(sets[1], Features(torch.rand(shape)), **options)
    assert "\n" not in str(error.value)


def test_garments_near_noise_far():
    """The course's own extractor: real pictures against others of their kind, and noise."""
    own = garments(CPU)
    train, test = (load("fashion_mnist_mini", split, limit=600).tensors()[0] for split in ("train", "test"))
    reference = extract_features(test, own)
    real, noise = (compare(reference, extract_features(images, own)) for images in (train, torch.rand(600, 1, 28, 28)))
    assert real.frechet_distance < 1 < 50 < noise.frechet_distance
    assert abs(real.kernel_distance) < 4 * real.kernel_standard_error < 100 * noise.kernel_standard_error
    assert noise.kernel_distance > 20 * noise.kernel_standard_error
    assert noise.inception_score < 2 < 8 < real.inception_score < 10
    assert min(real.precision, real.recall) > 0.7 and noise.recall < 0.05


# --- the table ------------------------------------------------------------------------------------------------------

ROWS = {
    "samples": Scores(10_000, 2_000, 2.31784, 0.0316154, 0.00345984, 8.07927, 0.856, 0.8095, 3, 2_000),
    "noise, uniform": Scores(10_000, 2_000, 1096.3391, 4.9714, 0.04713, 1.2134, 0.0975, 0.0, 3, 2_000),
    "real": Scores(900, 2_000, 0.083962, -0.0013181, 0.00073124, 9.5512, 0.876, 0.872, 3, 2_000),
}
TABLE = """\
against garments, test split, N = 2,000
by toy, 5 features; resize: none; pictures rounded to 8 bits
± is one standard error; precision and recall: k = 3, the first 2,000 of each set

                     N     FD-clf  KD-clf ×1000  IS-clf  precision  recall
samples         10,000      2.318    31.6 ± 3.5    8.08      0.856   0.809
noise, uniform  10,000  1,096.339    4,971 ± 47    1.21      0.098   0.000
real               900      0.084  -1.32 ± 0.73    9.55      0.876   0.872"""


def test_the_table_to_the_letter():
    assert score_table(ROWS, extractor(Toy(), names=("FD-clf", "KD-clf", "IS-clf")), "garments, test split") == TABLE


@pytest.mark.parametrize("names", [("FID", "KID", "IS"), ("FD-clf", "KD-clf", "IS-clf")])
def test_the_columns_have_the_extractors_names(names):
    header = score_table(ROWS, extractor(Toy(), names=names), "anything").splitlines()[4]
    assert header.replace("×1000", "").split() == ["N", *names, "precision", "recall"]


def test_only_the_standard_network_gives_the_standard_names():
    assert extractor(Toy(), names=()).names == ("FD", "KD", "IS")
    assert garments(torch.device("cpu")).names == ("FD-clf", "KD-clf", "IS-clf")
    assert {way: preparation.names for way, preparation in PREPARATIONS.items()} == {
        "tensorflow": ("FID", "KID", "IS"),
        "torch": ("FID (pytorch-fid)", "KID (pytorch-fid)", "IS (pytorch-fid)"),
        "antialiased": ("FID (clean-fid)", "KID (clean-fid)", "IS (clean-fid)"),
    }


@pytest.mark.parametrize(
    ("error", "shown"),
    [(0.0, "31.615 ± 0.000"), (float("nan"), "31.615 ± nan"), (9.96e-4, "31.6 ± 1.0"), (1e-15, "31.615400 ± 0.000000")],
)
def test_a_missing_score_and_odd_errors_keep_the_columns(error, shown):
    rows = {
        "samples": ROWS["samples"]._replace(inception_score=None, kernel_standard_error=error),
        "real": ROWS["real"],
    }
    lines = score_table(rows, extractor(Toy()), "anything").splitlines()[4:]
    assert len({len(line) for line in lines}) == 1 and f"  {shown}     –  " in lines[1]


@pytest.mark.parametrize("change", [{"among": 900}, {"k": 5}, {"reference_n": 10_000}])
def test_rows_that_cannot_stand_side_by_side(change):
    with pytest.raises(CourseError, match="rows of 2 protocols"):
        score_table(ROWS | {"real": ROWS["real"]._replace(**change)}, extractor(Toy()), "anything")


def test_no_rows_no_table():
    with pytest.raises(CourseError, match="rows of 0 protocols"):
        score_table({}, extractor(Toy()), "anything")
