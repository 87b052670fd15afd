"""Precision and recall against scikit-learn's neighbours, a loop over all pairs, and sets whose answer is known."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from course_lib.errors import CourseError
from course_lib.metrics import pairs, precision_recall


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_loops(real, fake, k):
    """Both shares by the definition, each distance summed from its differences; integers make it exact."""

    def squared(x, y):
        return ((x - y) ** 2).sum().item()

    def reach(points):
        return [sorted(squared(x, y) for j, y in enumerate(points) if j != i)[k - 1] for i, x in enumerate(points)]

    def share_within(points, others):
        reaches = reach(others)
        return sum(any(squared(x, y) <= r for y, r in zip(others, reaches, strict=True)) for x in points) / len(points)

    return share_within(fake, real), share_within(real, fake)


def by_neighbours(real, fake, k):
    """The same from scikit-learn's trees."""

    def share_within(points, others):
        reaches = NearestNeighbors(n_neighbors=k + 1, algorithm="kd_tree").fit(others).kneighbors(others)[0][:, -1]
        distances, who = NearestNeighbors(n_neighbors=len(others), algorithm="kd_tree").fit(others).kneighbors(points)
        return (distances <= reaches[who]).any(1).mean()

    return share_within(fake, real), share_within(real, fake)


SETS = {
    "random": (normal(120, 5), normal(90, 5, seed=1)),
    "shifted": (normal(120, 5), normal(90, 5, seed=1) + 1.5),
    "narrower": (normal(120, 5), 0.3 * normal(90, 5, seed=1)),
    "rank-deficient": (normal(80, 2) @ normal(2, 30, seed=2), normal(90, 2, seed=1) @ normal(2, 30, seed=2)),
    "tiny": (normal(4, 9), normal(5, 9, seed=1)),
    "far from zero": (normal(60, 5) + 1000, normal(50, 5, seed=1) + 1000),
}


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("name", SETS)
def test_they_are_scikit_learns(name, k):
    real, fake = SETS[name]
    assert precision_recall(real, fake, k) == pytest.approx(by_neighbours(real.numpy(), fake.numpy(), k), abs=1e-12)


@given(seed=st.integers(0, 999), m=st.integers(3, 12), n=st.integers(3, 12), k=st.integers(1, 2), d=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_on_a_grid_where_distances_tie(seed, m, n, k, d):
    generator = torch.Generator().manual_seed(seed)
    real, fake = (torch.randint(-2, 3, (size, d), generator=generator).double() for size in (m, n))
    assert precision_recall(real, fake, k) == by_loops(real, fake, k)
    # Off the origin and in thirds nothing is exact any more, and a tie still is one.
    assert precision_recall(real / 3 + 1 / 7, fake / 3 + 1 / 7, k) == by_loops(real, fake, k)


def test_identical_disjoint_and_half():
    features = normal(50, 8)
    assert precision_recall(features, features) == (1, 1)
    assert precision_recall(features, features + 100) == (0, 0)
    two_modes = torch.cat([features, features + 100])
    assert precision_recall(two_modes, features) == (1, 0.5)  # a mode is missing
    assert precision_recall(features, two_modes) == (0.5, 1)  # half of them are wrong


def test_copies_of_one_vector_are_within_a_reach_of_nothing():
    """Memorised pictures: reaches are 0, and rounding must not put a copy outside."""
    one = normal(1, 700) + 5
    assert precision_recall(one.repeat(6, 1), one.repeat(4, 1)) == (1, 1)
    assert precision_recall(one.repeat(6, 1), one.repeat(4, 1) + 1e-3) == (0, 0)


@pytest.mark.parametrize("block", [1, 70, 1000])
def test_blocks_of_any_size_give_the_same(block, monkeypatch):
    real, fake = SETS["random"]
    whole = precision_recall(real, fake)
    monkeypatch.setattr(pairs, "BLOCK", block)
    assert precision_recall(real, fake) == whole


def test_a_block_of_rows_is_never_large():
    for m, n in ((10, 3), (5000, 7000), (100, 10_000_000)):
        one, other = torch.empty(m, 1), torch.empty(1, 1).expand(n, 1)
        starts, blocks = zip(*pairs.row_blocks(one, other), strict=True)
        assert max(map(len, blocks)) * n <= max(pairs.BLOCK, n) and sum(map(len, blocks)) == m
        assert list(starts) == [sum(map(len, blocks[:i])) for i in range(len(blocks))]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((normal(9, 3), normal(9, 4)), r"real \(9, 3\), fake \(9, 4\); wanted N×d"),
        ((normal(9, 3), normal(9)), "wanted N×d"),
        ((normal(9, 0), normal(9, 0)), "wanted N×d"),
        ((normal(0, 3), normal(9, 3)), "real holds 0 vectors"),
        ((normal(9, 3), normal(1, 3)), "fake holds 1 vectors"),
        ((normal(9, 3), normal(9, 3) / 0), "nan or inf in fake"),
        ((normal(9, 3), normal(3, 3)), "k = 3 with 9 real and 3 fake"),
        ((normal(9, 3), normal(9, 3), 0), "k = 0"),
    ],
)
def test_bad_input_gets_one_line(arguments, words):
    with pytest.raises(CourseError, match=words) as error:
        precision_recall(*arguments)
    assert "\n" not in str(error.value)
