"""The Inception Score against scikit-learn's mutual information, SciPy's entropies and its closed forms."""

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.metrics import mutual_info_score

from course_lib.errors import CourseError
from course_lib.metrics import inception_score


def answers(n, k, sureness=3.0, seed=0):
    logits = torch.randn(n, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (sureness * logits).softmax(1)


@pytest.mark.parametrize(("n", "k"), [(2, 2), (3, 10), (500, 10), (40, 1000)])
@pytest.mark.parametrize("sureness", [0.1, 3.0, 300.0])
def test_it_is_the_mean_divergence_from_the_mean_answer(n, k, sureness):
    probabilities = answers(n, k, sureness)
    overall = probabilities.numpy().mean(0)
    wanted = np.exp(np.mean([scipy.stats.entropy(row, overall) for row in probabilities.numpy()]))
    assert inception_score(probabilities) == pytest.approx(wanted, rel=1e-11)
    assert inception_score(probabilities.float()) == pytest.approx(wanted, rel=1e-5)


def test_of_sure_answers_it_is_the_mutual_information_with_the_picture():
    classes = torch.randint(7, (200,), generator=torch.Generator().manual_seed(0))
    sure = torch.nn.functional.one_hot(classes, 7).double()
    assert inception_score(sure) == pytest.approx(np.exp(mutual_info_score(classes.numpy(), np.arange(200))), rel=1e-11)


def test_its_ends():
    assert inception_score(torch.eye(10).repeat(3, 1)) == pytest.approx(10, rel=1e-12)  # sure and varied
    assert inception_score(torch.eye(10)[:1].repeat(30, 1)) == pytest.approx(1, rel=1e-12)  # one mode
    assert inception_score(torch.full((30, 10), 0.1)) == pytest.approx(1, rel=1e-6)  # never sure
    assert inception_score(torch.eye(10)[:4]) == pytest.approx(4, rel=1e-12)  # disjoint, four of ten classes
    assert inception_score(torch.ones(5, 1)) == 1


def test_a_softmax_in_half_precision_is_welcome():
    probabilities = answers(50, 10)
    assert inception_score(probabilities.half()) == pytest.approx(inception_score(probabilities), rel=1e-2)


@pytest.mark.parametrize(
    ("probabilities", "words"),
    [
        (torch.randn(5, 10), r"wanted probabilities: softmax\(logits"),
        (torch.eye(10) * 2, "row sums of 2 … 2"),
        (torch.tensor([[1.5, -0.5], [0.5, 0.5]]), "minimum of -0.5"),
        (answers(5, 10).log(), "wanted probabilities"),
        (answers(5, 10) * float("nan"), "nan or inf"),
        (answers(1, 10), r"\(1, 10\), wanted N×K, at least 2"),
        (torch.zeros(0, 10), "at least 2"),
        (torch.zeros(5, 0), "wanted N×K"),
        (torch.zeros(10), "wanted N×K"),
    ],
)
def test_bad_input_gets_one_line(probabilities, words):
    with pytest.raises(CourseError, match=words) as error:
        inception_score(probabilities)
    assert "\n" not in str(error.value)
