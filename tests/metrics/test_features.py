"""Feature statistics against torch.cov and NumPy, whole, merged and over processes; extraction leaves no trace."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributed, multiprocessing

from course_lib.errors import CourseError
from course_lib.metrics import FeatureStats


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- FeatureStats ---------------------------------------------------------------------------------------------------

SETS = {
    "random": normal(301, 7) @ normal(7, 7, seed=1) + normal(7, seed=2),
    "rank-deficient": normal(300, 3) @ normal(3, 20, seed=1),
    "fewer vectors than dimensions": normal(9, 40),
    "two vectors": normal(2, 5),
    "huge mean": normal(400, 6) + 1e7 * torch.arange(1, 7),
    "scales far apart": normal(200, 4) * torch.tensor([1e-6, 1.0, 1e3, 1e6]),
}
CUTS = {
    "at once": lambda n: [n],
    "one by one": lambda n: [1] * n,
    "uneven": lambda n: [0, 1, n // 2, 0, n - n // 2 - 1],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", SETS)
def test_mean_and_covariance_are_torchs_however_they_come(name, cut):
    features = SETS[name]
    stats = FeatureStats(features.shape[1])
    for batch in features.split(CUTS[cut](len(features))):
        stats.update(batch)
    assert stats.n == len(features)
    torch.testing.assert_close(stats.mean, features.mean(0), rtol=1e-14, atol=1e-14)
    # In units of each feature's own spread. A mean cannot be told to less than ε|mean|; that may be lost, and not
    # its square, as in E[x²] − mean². NumPy is a second opinion, in long double.
    spread = features.std(0)
    units, room = torch.outer(spread, spread), 1e-12 + 1e-15 * (features.mean(0).abs() / spread).max()
    assert ((stats.cov - torch.cov(features.T)) / units).abs().max() < room
    exact = features.numpy().astype(np.longdouble)
    centred = exact - exact.mean(0)
    wanted = torch.from_numpy((centred.T @ centred / (len(exact) - 1)).astype(float))
    assert ((stats.cov - wanted) / units).abs().max() < room


@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=8), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_any_cut_gives_the_same(sizes, seed):
    features = normal(sum(sizes) + 2, 3, seed=seed)
    stats = FeatureStats(3)
    for batch in features.split([*sizes, 2]):
        stats.update(batch)
    torch.testing.assert_close(stats.cov, torch.cov(features.T), rtol=1e-11, atol=1e-13)


def test_float32_and_gradients_are_taken_as_they_come():
    features = normal(50, 3).float().requires_grad_()
    stats = FeatureStats(3).update(features)
    assert stats.mean.dtype == stats.cov.dtype == torch.float64 and not stats.mean.requires_grad
    torch.testing.assert_close(stats.cov, torch.cov(features.detach().double().T))


def test_saved_and_loaded_it_goes_on_where_it_was(tmp_path):
    features = normal(30, 4)
    FeatureStats(4).update(features[:11]).save(tmp_path / "stats.safetensors")
    stats = FeatureStats.load(tmp_path / "stats.safetensors")
    assert (stats.n, stats.dim) == (11, 4)
    straight = FeatureStats(4).update(features[:11]).update(features[11:])
    stats.update(features[11:])
    assert torch.equal(stats.mean, straight.mean) and torch.equal(stats.cov, straight.cov)


def a_file(folder):
    path = folder / "a file"
    path.write_text("not a folder")
    return path


def loads_another_file(tmp_path):
    from course_lib.system.checkpoint import save_tree

    save_tree({"networks": {}, "n": 3}, tmp_path / "state.safetensors")
    FeatureStats.load(tmp_path / "state.safetensors")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda _: FeatureStats(3).update(torch.zeros(5, 4)), r"\(5, 4\), wanted N×3"),
        (lambda _: FeatureStats(3).update(torch.zeros(3)), "wanted N×3"),
        (lambda _: FeatureStats(3).update(torch.zeros(2, 3, 1, 1)), "wanted N×3"),
        (lambda _: FeatureStats(2).update(torch.tensor([[1.0, float("nan")]])), "nan or inf"),
        (lambda _: FeatureStats(2).update(torch.tensor([[1.0, float("inf")]])), "nan or inf"),
        (lambda _: FeatureStats(2).cov, "at least 2 vectors, got 0"),
        (lambda _: FeatureStats(2).update(torch.zeros(1, 2)).cov, "at least 2 vectors, got 1"),
        (lambda _: FeatureStats(0), "dim = 0"),
        (lambda folder: FeatureStats.load(folder / "none.safetensors"), "no checkpoint"),
        (loads_another_file, "no feature statistics"),
        (lambda _: FeatureStats(2).merge(FeatureStats(3)), "cannot merge vectors of length 3 into length 2"),
        (lambda folder: FeatureStats(2).save(a_file(folder) / "stats.safetensors"), "cannot write"),
    ],
)
def test_bad_features_get_one_line(call, words, tmp_path):
    with pytest.raises(CourseError, match=words) as error:
        call(tmp_path)
    assert "\n" not in str(error.value)


def test_a_refused_batch_leaves_the_sums_alone():
    stats = FeatureStats(2).update(normal(5, 2))
    before = stats.n, stats.mean.clone(), stats.cov.clone()
    with pytest.raises(CourseError):
        stats.update(torch.full((3, 2), float("nan")))
    assert stats.n == before[0] and torch.equal(stats.mean, before[1]) and torch.equal(stats.cov, before[2])


# --- merged, and over processes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_merged_statistics_are_those_of_all_features(name):
    features = SETS[name]
    parts = [FeatureStats(features.shape[1]).update(part) for part in features.tensor_split(3)]
    parts.insert(1, FeatureStats(features.shape[1]))  # one that has seen nothing
    before = parts[2].n, parts[2].mean.clone(), parts[2]._scatter.clone()
    merged = FeatureStats(features.shape[1])
    for part in parts:
        assert merged.merge(part) is merged
    assert parts[2].n == before[0] and torch.equal(parts[2].mean, before[1])
    assert torch.equal(parts[2]._scatter, before[2])
    matches(merged, features)


def matches(stats: FeatureStats, features: torch.Tensor):
    """Equal to torch.cov, in units of each feature's own spread, to what its mean leaves of 16 digits."""
    assert stats.n == len(features)
    torch.testing.assert_close(stats.mean, features.mean(0), rtol=1e-14, atol=1e-14)
    spread = features.std(0)
    room = 1e-12 + 1e-14 * (features.mean(0).abs() / spread).max()
    assert ((stats.cov - torch.cov(features.T)) / torch.outer(spread, spread)).abs().max() < room


def test_merged_with_itself_it_counts_twice():
    features = normal(9, 3)
    stats = FeatureStats(3).update(features)
    matches(stats.merge(stats), torch.cat([features, features]))


def test_alone_over_processes_changes_nothing_and_leaves_its_own_alone():
    stats = FeatureStats(3).update(normal(9, 3))
    whole = stats.over_processes()
    assert whole is not stats and whole.n == 9
    torch.testing.assert_close(whole.cov, stats.cov, rtol=1e-14, atol=0)
    whole.update(normal(5, 3))
    assert stats.n == 9 and FeatureStats(3).over_processes().n == 0


def one_of_two(rank, folder):
    """A process with its share of the features; then once more where only the first has any."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    share = SETS["huge mean"].split([290, 110])[rank]
    stats = FeatureStats(6).update(share)
    stats.over_processes()  # asked twice, nothing counts twice
    stats.over_processes().save(f"{folder}/{rank}")
    assert stats.n == len(share) and FeatureStats(6).over_processes().n == 0
    alone = FeatureStats(6).update(share if rank == 0 else share[:0]).over_processes()
    matches(alone, SETS["huge mean"][:290])
    distributed.destroy_process_group()


def test_processes_hold_together_what_one_would(tmp_path):
    multiprocessing.spawn(one_of_two, args=(tmp_path,), nprocs=2)
    one, other = (FeatureStats.load(tmp_path / str(rank)) for rank in range(2))
    matches(one, SETS["huge mean"])
    assert torch.equal(other.mean, one.mean) and torch.equal(other.cov, one.cov)
