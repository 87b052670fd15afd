"""Check of chapter 04: the unbiased kernel distance of two sets of features."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from course_lib.check.evaluating.numbers import judge, near, number, untouched
from course_lib.check.probes import random
from course_lib.check.report import attempt, fail, leaves_random_numbers_alone, passed

HINT = "three means: of k(x, x') over pairs of two different x, of k(y, y') likewise, and of k(x, y) over all pairs"
PARTS = ("the unbiased value", "the biased value")
BIASED_HINT = "the same three means, and now each x also meets itself: kernel(f1, f1).mean()"


@leaves_random_numbers_alone
def kernel_distance(function: Callable) -> None:
    """`function(f1, f2)` → MMD² with the kernel (x·y/d + 1)³, (unbiased, biased), against scikit-learn. Chapter 04."""
    from sklearn.metrics.pairwise import polynomial_kernel  # imported late: it takes seconds

    name = "kernel_distance"
    f1, f2 = random(12, 5).double() + 0.5, 1.5 * random(9, 5, seed=1).double()
    few = random(6, 8, seed=2).double()
    cases = [
        ("on 12 and 9 features of 5 numbers", f1, f2),
        ("on 9 and 12", f2, f1),
        ("on 8 and 8", f1[:8], f2[:8] + 0.3),
        ("on two sets of one law", random(7, 6, seed=3).double(), random(7, 6, seed=4).double()),
        ("on a set and itself in another order", few, few.flip(0)),
        ("on 2 and 3 features", f1[:2], f2[:3]),
        ("on features of one number", f1[:, :1], f2[:, :1] + 1),
    ]
    for what, one, two in cases:
        given = one.clone(), two.clone()
        got = attempt(name, function, *given, where=f" {what}")
        untouched(name, given, (one, two), "features")
        kernels = [
            polynomial_kernel(a.numpy(), b.numpy(), degree=3, gamma=1 / a.shape[1], coef0=1)
            for a, b in ((one, one), (two, two), (one, two))
        ]
        want, wanted, scale = _unbiased(*kernels), _biased(*kernels), float(kernels[2].mean())
        value, other = _pair(name, got)
        if near(value, wanted, 1e-4, scale) and near(other, want, 1e-4, scale) and not near(want, wanted, 1e-4, scale):
            fail(name, f"the two have changed places: the unbiased value comes first ({what})")
        lost = "the estimate may be below 0, and its square root is NaN: no root" if want < 0 else ""
        named = _different(_mistakes(*kernels, one, two), want, scale)
        judge(name, value, want, named, f" ({what})", HINT, lost, 1e-4, scale, PARTS[0])
        named = _different(_mistakes_of_the_biased(*kernels), wanted, scale)
        judge(name, other, wanted, named, f" ({what})", BIASED_HINT, "", 1e-4, scale, PARTS[1])
    passed(name, "seven pairs of sets, equal in size or not, one with a value below 0: equal to scikit-learn's kernel")


def _pair(name: str, got: Any) -> tuple[float, float]:
    if isinstance(got, Tensor | np.ndarray):
        got = tuple(got) if got.ndim == 1 else (got,)
    if not isinstance(got, tuple | list) or len(got) != 2:
        several = len(got) if isinstance(got, tuple | list) else type(got).__name__
        fail(name, f"wanted two numbers, got {several}", "return unbiased, biased")
    value, other = (number(name, one, part) for one, part in zip(got, PARTS, strict=True))
    return value, other


def _different(mistakes: list[tuple[float, str]], want: float, scale: float) -> list[tuple[float, str]]:
    """Without those that change nothing here: they are none here."""
    return [(wrong, message) for wrong, message in mistakes if not near(wrong, want, 1e-4, scale)]


def _off_diagonal(kernel: np.ndarray) -> float:
    return float(kernel.sum() - kernel.trace())


def _kernels(f1: Tensor, f2: Tensor) -> list[np.ndarray]:
    return [((a @ b.T / a.shape[1] + 1) ** 3).numpy() for a, b in ((f1, f1), (f2, f2), (f1, f2))]


def _unbiased(k11: np.ndarray, k22: np.ndarray, k12: np.ndarray) -> float:
    m, n = k12.shape
    return _off_diagonal(k11) / (m * (m - 1)) + _off_diagonal(k22) / (n * (n - 1)) - 2 * float(k12.mean())


def _biased(k11: np.ndarray, k22: np.ndarray, k12: np.ndarray) -> float:
    return float(k11.mean() + k22.mean() - 2 * k12.mean())


def _mistakes_of_the_biased(k11: np.ndarray, k22: np.ndarray, k12: np.ndarray) -> list[tuple[float, str]]:
    (m, n), want = k12.shape, _biased(k11, k22, k12)
    whole = k11.sum() / (m * (m - 1)) + k22.sum() / (n * (n - 1))
    reduced = _off_diagonal(k11) / m**2 + _off_diagonal(k22) / n**2
    wrong = [
        (_unbiased(k11, k22, k12), "that is the unbiased value once more: here each feature also meets itself"),
        (whole - 2 * k12.mean(), "divided by n(n − 1): with the diagonal there are n² pairs"),
        (reduced - 2 * k12.mean(), "the diagonal is left out: here each feature also meets itself"),
        (k11.mean() + k22.mean() - k12.mean(), "the factor 2 before the mean over the cross pairs is missing"),
        (k11.mean() + k22.mean(), "the cross term is missing"),
        (max(want, 0.0) ** 0.5, "that is the square root: the distance is the squared one"),
        (want - _unbiased(k11, k22, k12), "that is the bias alone, the difference of the two"),
    ]
    return [(float(value), f"{PARTS[1]}: {message}") for value, message in wrong]


def _mistakes(k11: np.ndarray, k22: np.ndarray, k12: np.ndarray, f1: Tensor, f2: Tensor) -> list[tuple[float, str]]:
    (m, n), d = k12.shape, f1.shape[1]
    pairs1, pairs2, off1, off2 = m * (m - 1), n * (n - 1), _off_diagonal(k11), _off_diagonal(k22)
    within, cross, want = off1 / pairs1 + off2 / pairs2, float(k12.mean()), _unbiased(k11, k22, k12)
    own = float(k11.mean() + k22.mean())

    def of(kernel: Callable[[np.ndarray], np.ndarray]) -> float:
        a, b = f1.numpy(), f2.numpy()
        return _unbiased(kernel(a @ a.T), kernel(b @ b.T), kernel(a @ b.T))

    u, v = (f / f.norm(dim=1, keepdim=True) for f in (f1, f2))
    lengths = _kernels(u, v)
    shifted = _unbiased(*_kernels(f1 - f1.mean(0), f2 - f2.mean(0)))
    least = min(m, n)
    cut = _unbiased(k11[:least, :least], k22[:least, :least], k12[:least, :least])
    biased = "the biased estimate: each feature is also compared with itself, which makes the distance too large"
    by_vectors = "is divided by the number of features, wanted by d, the length of one"
    by_all = "the diagonal is left out, and the sum still divided by n²: there are n(n − 1) pairs"
    wrong = [
        (own - 2 * cross, biased),
        (off1 / m**2 + off2 / n**2 - 2 * cross, by_all),
        (k11.sum() / pairs1 + k22.sum() / pairs2 - 2 * cross, "divided by n(n − 1), but the diagonal is in the sum"),
        (off1 / pairs1 / 2 + off2 / pairs2 / 2 - 2 * cross, "each pair is in the sum once: divide by n(n − 1)/2"),
        (2 * off1 / pairs1 + 2 * off2 / pairs2 - 2 * cross, "each pair is in the sum twice: divide by n(n − 1)"),
        (within - cross, "the factor 2 before the mean over the cross pairs is missing"),
        (within + 2 * cross, "the sign of the cross term is wrong"),
        (within, "the cross term is missing"),
        (-2 * cross, "only the cross term is there"),
        (max(want, 0.0), "cut off at 0: an unbiased estimate of a distance near 0 must be allowed below it"),
        (abs(want), "the absolute value of an estimate below 0: that is no longer unbiased"),
        (-want, "the sign is wrong: within − 2 · across"),
        (max(want, 0) ** 0.5, "that is the square root: KID is the squared distance"),
        (abs(want) ** 0.5, "that is the square root: KID is the squared distance"),
        (max(own - 2 * cross, 0) ** 0.5, "that is the square root, and of the biased estimate"),
        (want / 2, "half of the distance"),
        (shifted, "the means are taken off: the distance of the sets' means counts"),
        (cut, "only as many features as the smaller set holds enter: use all"),
        (1000 * want, "that is 1000 times as much, as some papers print it"),
        (of(lambda g: (g + 1) ** 3), "x·y is not divided by d, the length of a feature"),
        (of(lambda g: (g / d**0.5 + 1) ** 3), "x·y is divided by √d, wanted by d"),
        (of(lambda g: (g / d) ** 3), "the + 1 in the kernel is missing"),
        (of(lambda g: (g / d + 1) ** 2), "the kernel is squared, wanted cubed"),
        (of(lambda g: g / d + 1), "the cube is missing"),
        (of(lambda g: g**3 / d + 1), "the cube stands inside: (x·y/d + 1)³"),
        (of(lambda g: ((g + 1) / d) ** 3), "only x·y is divided by d, not the 1"),
        *((of(lambda g, s=s: (g / s(g) + 1) ** 3), f"x·y {by_vectors}") for s in (len, lambda g: g.shape[1])),
        *((of(lambda g, s=s: (g / s + 1) ** 3), f"x·y {by_vectors}") for s in (m, n)),
        (off1 + off2 - 2 * k12.sum(), "sums, wanted means"),
        (within - 2 * k12.sum(), "the cross term is a sum, wanted the mean of m · n pairs"),
        (_unbiased(*lengths), "the features are brought to length 1: compare them as they are"),
        (off1 / pairs1 + off2 / pairs1 - 2 * cross, "both sets are divided by the pairs of the first"),
        (off1 / pairs2 + off2 / pairs2 - 2 * cross, "both sets are divided by the pairs of the second"),
        (off1 / m + off2 / n - 2 * cross, "divided by the number of features, wanted by that of pairs"),
    ]
    left_out = "the diagonal of k(x, y) is left out: these are pairs of two different features, and they count"
    precedence = "`/ m * (m - 1)` divides by m and then multiplies by m − 1: write `/ (m * (m - 1))`"
    wrong += [
        (off1 / m * (m - 1) + off2 / n * (n - 1) - 2 * cross, precedence),
        (
            k11.sum() / m * (m - 1) + k22.sum() / n * (n - 1) - 2 * cross,
            f"{precedence}; and the diagonal is in the sum",
        ),
        (within - 2 * k12.sum() / m * n, "`/ m * n` divides by m and then multiplies by n: write `/ (m * n)`"),
        (within - 2 * k12.sum() / m**2, "the cross term is divided by M·M: it has M·N pairs"),
        (within - 2 * k12.sum() / n**2, "the cross term is divided by N·N: it has M·N pairs"),
        (within - 2 * k12.sum() / pairs1, "the cross term is divided by M(M − 1): it has M·N pairs"),
        (within - 2 * k12.sum() / pairs2, "the cross term is divided by N(N − 1): it has M·N pairs"),
        (within - 2 * _off_diagonal(k12) / (m * n), f"{left_out}, and the sum is still divided by M·N"),
        (within - 2 * _off_diagonal(k12) / (m * n - least), left_out),
        (within - 2 * _off_diagonal(k12) / pairs1, left_out),
        (within - 2 * _off_diagonal(k12) / pairs2, left_out),
    ]
    if m == n:
        wrong.append(((off1 + off2 - 2 * _off_diagonal(k12)) / n**2, f"{left_out}; and {by_all}"))
    return [(float(value), message) for value, message in wrong]
