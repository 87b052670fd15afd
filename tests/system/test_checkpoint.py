"""Trees and weights to a file and back: whole, without pickle, never half-written."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.errors import CourseError
from course_lib.system import checkpoint
from course_lib.system.checkpoint import (
    load_tree,
    load_weights,
    random_state,
    save_tree,
    save_weights,
    set_random_state,
)

plain = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=5)
trees = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(trees)
@settings(max_examples=40, deadline=None)
def test_plain_trees_come_back_as_they_were(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("tree") / "t.safetensors"
    save_tree(tree, path)
    back = load_tree(path)
    assert back == tree and repr(back) == repr(tree), "tuples must not become lists, nor number keys text"


def test_optimiser_state_comes_back(tmp_path):
    model = nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, betas=(0.5, 0.9))
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    save_tree(optimiser.state_dict(), tmp_path / "o.safetensors")
    back = load_tree(tmp_path / "o.safetensors")
    assert back["param_groups"] == optimiser.state_dict()["param_groups"]
    for number, state in optimiser.state_dict()["state"].items():
        assert all(torch.equal(back["state"][number][name], tensor) for name, tensor in state.items())


def test_shared_and_strided_tensors(tmp_path):
    base = torch.arange(6.0)
    save_tree({"a": base, "b": base, "c": base.view(2, 3).T}, tmp_path / "s")
    back = load_tree(tmp_path / "s")
    assert torch.equal(back["b"], base) and torch.equal(back["c"], base.view(2, 3).T)


def test_what_cannot_be_saved_is_named_and_leaves_nothing(tmp_path):
    with pytest.raises(CourseError, match=r"tree\.a\.1 is a Linear"):
        save_tree({"a": [1, nn.Linear(1, 1)]}, tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_whole(tmp_path, monkeypatch):
    save_tree({"steps": 1}, tmp_path / "t")

    def half_way(tensors, path, metadata=None):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", half_way)
    with pytest.raises(OSError):
        save_tree({"steps": 2}, tmp_path / "t")
    assert load_tree(tmp_path / "t") == {"steps": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", None])
def test_damaged_or_missing(tmp_path, content):
    path = tmp_path / "t"
    if content is not None:
        path.write_bytes(content)
    for read in (load_tree, lambda p: load_weights(nn.Linear(1, 1), p)):
        with pytest.raises(CourseError) as error:
            read(path)
        assert "\n" not in str(error.value)


def test_truncated_file(tmp_path):
    save_tree({"x": torch.rand(100)}, tmp_path / "t")
    whole = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CourseError, match="not a complete checkpoint"):
        load_tree(tmp_path / "t")


def test_weights_fit_or_are_refused_untouched(tmp_path):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model[1].running_mean.fill_(7)
    save_weights(model, tmp_path / "w")
    again = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    load_weights(again, tmp_path / "w")
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))
    other = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))
    before = other[0].weight.clone()
    with pytest.raises(CourseError, match="another network"):
        load_weights(other, tmp_path / "w")
    assert torch.equal(other[0].weight, before)


def test_random_numbers_go_on_where_they_stopped(tmp_path):
    random.seed(1), np.random.seed(2), torch.manual_seed(3)
    np.random.randn()  # NumPy keeps half a pair of normal numbers back: that is state as well
    save_tree(random_state(), tmp_path / "r")
    wanted = (random.random(), np.random.randn(), np.random.rand(), torch.rand(3).tolist())
    random.seed(9), np.random.seed(9), torch.manual_seed(9)
    set_random_state(load_tree(tmp_path / "r"))
    assert (random.random(), np.random.randn(), np.random.rand(), torch.rand(3).tolist()) == wanted
