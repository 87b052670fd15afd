"""Check of chapter 04: mean and covariance of features that come in batches."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.check.evaluating.gaussian_mistakes import wrong_covariances, wrong_means
from course_lib.check.evaluating.numbers import untouched
from course_lib.check.probes import random
from course_lib.check.report import attempt, close, fail, leaves_random_numbers_alone, passed

SIZES = ((20, 7, 13), (5, 1, 30, 2), (16, 16))
OFFSET = 1000.0


@leaves_random_numbers_alone
def stats(maker: Callable) -> None:
    """`maker(dim)` → an object with update(batch), mean and cov over n−1, against np.cov. Chapter 04."""
    name = "stats"
    _stands_alone(name, maker)
    for dim, sizes in zip((3, 6, 4), SIZES, strict=True):
        batches = _batches(dim, sizes)
        seen, _, kept = _after(name, maker, dim, batches)
        _compare(name, seen, batches, f" (after batches of {', '.join(map(str, sizes))} features)", kept)
    _goes_on(name, maker)
    _keeps_its_digits(name, maker)
    _stays_small(name, maker)
    passed(name, "batches of equal and unequal sizes, a large common offset, two objects at once: equal to np.cov")


def _batches(dim: int, sizes: Sequence[int]) -> list[Tensor]:
    """Float32, as an extractor gives them: correlated, and every batch about a mean of its own."""
    mix = random(dim, dim, seed=dim)
    return [random(n, dim, seed=n + i) @ mix + random(dim, seed=i) + 1 for i, n in enumerate(sizes)]


def _after(name: str, maker: Callable, dim: int, batches: Sequence[Tensor]) -> tuple[tuple[Tensor, Tensor], Any, bool]:
    """What the learner's object says after these batches, the object, and whether it holds on to a batch itself."""
    counter = attempt(name, maker, dim, where=f" when made for {dim} numbers a feature")
    kept = [_update(name, counter, batch) for batch in batches]
    return _both(name, counter, dim), counter, any(kept)


def _both(name: str, counter: Any, dim: int) -> tuple[Tensor, Tensor]:
    return _read(name, counter, "mean", (dim,)), _read(name, counter, "cov", (dim, dim))


def _update(name: str, counter: Any, batch: Tensor) -> bool:
    """Hand over a batch, then write over it, as its owner may; say whether the object holds on to that memory."""
    if not callable(getattr(counter, "update", None)):
        fail(
            name, f"a {type(counter).__name__} came, without a method `update`", "class Stats, with def update(self, …"
        )
    given = batch.clone()
    attempt(name, counter.update, given, where=f" in update, on a batch {tuple(batch.shape)}")
    untouched(name, [given], [batch], "batch")
    given.fill_(torch.nan)
    memory = given.untyped_storage().data_ptr()
    return any(part.untyped_storage().data_ptr() == memory for part in _kept(getattr(counter, "__dict__", {})))


def _read(name: str, counter: Any, part: str, shape: tuple[int, ...]) -> Tensor:
    got = attempt(name, getattr, counter, part, where=f" when asked for `{part}`")
    if callable(got) and not isinstance(got, Tensor):
        fail(name, f"`{part}` is a method, wanted the tensor itself", f"@property above `def {part}(self)`")
    if isinstance(got, np.ndarray):
        got = torch.from_numpy(np.array(got))
    if not isinstance(got, Tensor):
        fail(name, f"`{part}` is a {type(got).__name__}, wanted a tensor of shape {shape}")
    if got.shape != shape:
        hint = "mean over the batch: dim=0" if part == "mean" else "d×d: batch.T @ batch, not the other way"
        if part == "cov" and got.shape == shape[:1]:
            hint = "these are d numbers, as on the diagonal; batch.T @ batch holds the other products too"
        fail(name, f"`{part}` has shape {tuple(got.shape)}, wanted {shape}", hint)
    return got.detach().clone()


def _compare(name: str, seen: tuple[Tensor, Tensor], batches: Sequence[Tensor], where: str, kept: bool = False) -> None:
    (mean, cov), x = seen, torch.cat(list(batches)).double()
    wanted = torch.from_numpy(np.cov(x.numpy(), rowvar=False))
    for value, message in wrong_means(batches):
        if close(mean, value) and not close(mean, x.mean(0)):
            fail(name, f"mean: {message}{where}")
    if kept and not (torch.isfinite(mean).all() and torch.isfinite(cov).all()):
        fail(name, f"it keeps the batch itself, and its owner has overwritten it{where}", "keep sums, not batches")
    if not torch.isfinite(mean).all():
        fail(name, f"mean: NaN or infinity{where}", "the sum of all features, divided by their number")
    if not close(mean, x.mean(0)):
        off = (mean - x.mean(0)).abs().max()
        fail(name, f"mean: differs from the reference by up to {off:.3g}{where}", "count features, not batches")
    if close(cov, wanted):
        return
    for value, message in wrong_covariances(batches):
        if close(cov, value):
            fail(name, f"cov: {message}{where}")
    if not torch.isfinite(cov).all():
        hint = "a batch of one feature has no covariance of its own: 0 / 0"
        fail(
            name,
            f"cov: NaN or infinity{where}",
            hint if 1 in map(len, batches) else "0 / 0, or the root of a variance?",
        )
    off = (cov - wanted).abs().max()
    fail(name, f"cov: differs from np.cov by up to {off:.3g}{where}", "the last mean, of all features, counts")


def _keeps_its_digits(name: str, maker: Callable) -> None:
    """Float32 features about 1000 of standard deviation 1: sums of squares in float32 lose the covariance."""
    batches = [(batch + OFFSET) for batch in _batches(5, (50, 64, 3, 200))]
    (mean, cov), *_ = _after(name, maker, 5, batches)
    x = torch.cat(batches).double().numpy()
    hint = "batch.double() before the first sum"
    for what, got in (("mean", mean), ("cov", cov)):
        if got.dtype != torch.float64:
            fail(name, f"{what}: the numbers are {got.dtype}, wanted torch.float64", hint)
    where = f"with features about {OFFSET:.0f}"
    if not close(mean, torch.from_numpy(x.mean(0)), 1e-10):
        fail(name, f"mean: digits are lost {where}: a part of it is summed in float32", hint)
    if not close(cov, torch.from_numpy(np.cov(x, rowvar=False)), 1e-6):
        off = np.abs(cov.numpy() - np.cov(x, rowvar=False)).max() > 1e-3
        digits = "nearly all digits" if off else "digits"
        fail(name, f"cov: {digits} are lost {where}: a part of it is summed in float32", hint)


def _stands_alone(name: str, maker: Callable) -> None:
    """Asking changes nothing, and neither does what another object is given."""
    mine, other = _batches(3, (9, 12))
    one, two = attempt(name, maker, 3), attempt(name, maker, 3)
    shapes = {"mean": (3,), "cov": (3, 3)}
    _update(name, one, mine)
    asked = [{part: _read(name, one, part, shape) for part, shape in shapes.items()} for _ in range(2)]
    _update(name, two, other)
    asked.append({part: _read(name, one, part, shape) for part, shape in shapes.items()})
    for part in shapes:
        first, again, later = (answers[part].nan_to_num(0.5) for answers in asked)
        if not torch.equal(first, again):
            fail(name, f"`{part}` gives another answer when asked twice", "mean and cov read the sums and leave them")
        if not torch.equal(first, later):
            hint = "make them in __init__, as self.…; what stands in the class belongs to all its objects"
            fail(name, f"two objects share their sums: `{part}` moves when the other is updated", hint)


def _goes_on(name: str, maker: Callable) -> None:
    """Asked between two batches, it goes on as if nobody had asked, and what it gave back stays as it was."""
    batches, counter, before = _batches(4, (9, 12, 6)), attempt(name, maker, 4), {}
    for i, batch in enumerate(batches):
        _update(name, counter, batch)
        for part, (answer, copy) in before.items():
            if not torch.equal(torch.as_tensor(answer).detach(), copy):
                hint = "give back a new tensor: a result of the sums, or .clone(); or write x = x + …, not x += …"
                fail(name, f"the `{part}` you gave back changes at the next update: it is the inner tensor", hint)
        seen = _both(name, counter, 4)
        _compare(name, seen, batches[: i + 1], f" (asked after each of {i + 1} batches)")
        before = {
            part: (answer, torch.as_tensor(answer).detach().clone())
            for part, answer in (("mean", counter.mean), ("cov", counter.cov))
        }


def _stays_small(name: str, maker: Callable) -> None:
    """What it keeps must not grow with the number of pictures."""
    held = []
    for count in (4, 40):
        _, counter, _ = _after(name, maker, 3, [random(25, 3, seed=i) for i in range(count)])
        held.append(_held(getattr(counter, "__dict__", {})))
    if held[1] > held[0] + 50:
        hint = "a few sums are enough: of the features, of their products, and their number"
        fail(name, f"it keeps every feature: {held[1]} numbers after 1000 features, {held[0]} after 100", hint)


def _kept(part: Any) -> Iterator[Tensor]:
    """The tensors in an attribute, lists and dictionaries followed."""
    if isinstance(part, np.ndarray):
        part = torch.from_numpy(part) if part.dtype.kind == "f" and part.flags.writeable else None
    if isinstance(part, Tensor):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple | set) else ():
        yield from _kept(inner)


def _held(part: Any) -> int:
    """How many numbers lie in an attribute, lists and dictionaries followed."""
    if isinstance(part, Tensor | np.ndarray):
        return int(part.numel() if isinstance(part, Tensor) else part.size)
    if isinstance(part, nn.Module):
        return sum(_held(value) for value in part.state_dict().values())
    if isinstance(part, dict):
        return sum(_held(value) for value in part.values())
    if isinstance(part, list | tuple | set):
        return sum(_held(value) for value in part)
    return 1
