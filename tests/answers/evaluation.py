"""Chapter 04's exercises: right answers in unusual dress, and slips beyond the exercises' own table."""

import io
import statistics
import warnings
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from scipy.linalg import sqrtm
from torch import nn

from course_lib.images import to_uint8
from course_lib.metrics import FeatureStats, frechet_distance
from course_lib.metrics import inception_score as library_score
from course_lib.metrics import kernel_distance as library_kernel_distance
from course_lib.metrics import precision_recall as library_precision_recall

# 1. Stats


class VectorByVector:
    """Welford's way, in NumPy."""

    def __init__(self, dim):
        self.n, self.mean, self.scatter = 0, np.zeros(dim), np.zeros((dim, dim))

    def update(self, batch):
        for x in batch.numpy().astype(float):
            self.n += 1
            before, self.mean = x - self.mean, self.mean + (x - self.mean) / self.n
            self.scatter += np.outer(before, x - self.mean)

    @property
    def cov(self):
        return self.scatter / (self.n - 1)


class AboutTheFirst(nn.Module):
    """Sums about the first vector, in buffers, results in new tensors after every batch."""

    def __init__(self, dim):
        super().__init__()
        self.register_buffer("n", torch.tensor(0))
        self.register_buffer("total", torch.zeros(dim).double())
        self.register_buffer("products", torch.zeros(dim, dim).double())

    def update(self, batch):
        if self.n == 0:
            self.first = batch[0].double()
        moved = batch.double() - self.first
        self.n += len(batch)
        self.total += moved.sum(0)
        self.products += torch.einsum("ni,nj->ij", moved, moved)
        return self

    mean = property(lambda self: self.first + self.total / self.n)
    cov = property(lambda self: (self.products - torch.outer(self.total, self.total) / self.n) / (self.n - 1))


class Sums:
    """The solution, with its parts open to be replaced."""

    def __init__(self, dim):
        self.dim, self.n, self.batches = dim, 0, 0
        self.total, self.products = torch.zeros(dim).double(), torch.zeros(dim, dim).double()

    def update(self, batch):
        batch = batch.double()
        self.n, self.batches = self.n + len(batch), self.batches + 1
        self.total, self.products = self.total + batch.sum(0), self.products + batch.T @ batch

    mean = property(lambda self: self.total / self.n)
    cov = property(lambda self: (self.products - self.n * torch.outer(self.mean, self.mean)) / (self.n - 1))


def sums(**parts):
    return type("Stats", (Sums,), {k: v if k.startswith(("upd", "__")) else property(v) for k, v in parts.items()})


def last_total(self, batch):
    Sums.update(self, batch)
    self.total = batch.double().sum(0)


def last_products(self, batch):
    Sums.update(self, batch)
    self.products = batch.double().T @ batch.double()


def last_n(self, batch):
    Sums.update(self, batch)
    self.n = len(batch)


def only_squares(self, batch):
    Sums.update(self, batch)
    self.squares = getattr(self, "squares", 0) + batch.double().square().sum(0)


def keeps_the_last_batch(self, batch):
    Sums.update(self, batch)
    self.last = batch


class InPlace(Sums):
    """Running results that are handed out themselves and written over in place."""

    def __init__(self, dim):
        super().__init__(dim)
        self.inner, self.outer = torch.zeros(dim).double(), torch.zeros(dim, dim).double()

    def update(self, batch):
        Sums.update(self, batch)
        self.inner.copy_(Sums.mean.fget(self))
        self.outer.copy_(Sums.cov.fget(self))


class LiveMean(InPlace):
    mean = property(lambda self: self.inner)


class LiveCovariance(InPlace):
    cov = property(lambda self: self.outer.numpy())


def keeps_the_batch(self, batch):
    self.kept = [*getattr(self, "kept", []), batch]


def in_float32(self, batch):
    Sums.update(self, batch - batch.mean(0) * 0)
    self.total = self.total.float().double()


def float32_mean_of_the_batch(self, batch):
    Sums.update(self, batch)
    self.total = self.total - batch.double().sum(0) + len(batch) * batch.mean(0).double()


def half_and_half(self, batch):
    Sums.update(self, batch)
    mean = batch.double().mean(0)
    self.half = mean if self.batches == 1 else (self.half + mean) / 2


def from_the_mean_so_far(self, batch):
    self.total, self.n = self.total + batch.double().sum(0), self.n + len(batch)
    centred = batch.double() - self.total / self.n
    self.products = self.products + centred.T @ centred


def by_its_own_mean(self, batch):
    Sums.update(self, batch)
    centred = batch.double() - batch.double().mean(0)
    self.scatter = getattr(self, "scatter", 0) + centred.T @ centred
    self.weighted = getattr(self, "weighted", 0) + len(batch) * torch.cov(batch.double().T)


def empties_the_sums(self):
    mean = self.total / self.n
    self.total = self.total / self.n
    return mean


class AsMethods(Sums):
    def mean(self):
        return self.total / self.n

    def cov(self):
        return torch.eye(self.dim)


class OfPictures(Sums):
    cov = property(lambda self: torch.eye(7).double())


def update_that_stacks(self, batch):
    Sums.update(self, batch)
    self.all = torch.cat([getattr(self, "all", batch[:0]), batch])


def counts_numbers(self, batch):
    Sums.update(self, batch)
    self.n += batch.numel() - len(batch)


def skips_single_vectors(self, batch):
    if len(batch) > 1:
        Sums.update(self, batch)


def about_the_first_mean(self, batch):
    if self.n == 0:
        self.first, self.scatter = batch.double().mean(0), 0
    Sums.update(self, batch)
    moved = batch.double() - self.first
    self.scatter = self.scatter + moved.T @ moved


def total_in_float32(self, batch):
    Sums.update(self, batch)
    self.total = self.total - batch.double().sum(0) + batch.sum(0)


class InTheClass(Sums):
    kept: ClassVar[list] = []

    def update(self, batch):
        self.kept.append(batch.double())

    mean = property(lambda self: torch.cat(self.kept).mean(0))
    cov = property(lambda self: torch.cov(torch.cat(self.kept).T))


# 2. The Fréchet distance


def frechet_by(overlap, apart=lambda shift: shift.square().sum()):
    def frechet(mu1, sigma1, mu2, sigma2):
        return apart(mu1 - mu2) + sigma1.trace() + sigma2.trace() - 2 * overlap(sigma1, sigma2)

    return frechet


def root_of(sigma, floor=0.0):
    values, vectors = torch.linalg.eigh(sigma)
    return vectors * values.clamp(min=floor).sqrt()


def quiet_root(matrix):
    with warnings.catch_warnings(action="ignore"):  # SciPy warns of every singular matrix
        return sqrtm(matrix)


def by_scipy(s1, s2):
    return np.trace(quiet_root((s1 @ s2).numpy())).real


def by_roots(s1, s2):
    return torch.linalg.svdvals(root_of(s1).T @ root_of(s2)).sum()


def by_eigenvalues(s1, s2):
    return torch.linalg.eigvals(s1 @ s2).sqrt().real.sum()


def by_scipy_in_full(mu1, sigma1, mu2, sigma2):
    """pytorch-fid's way, in NumPy throughout."""
    m1, s1, m2, s2 = (part.numpy() for part in (mu1, sigma1, mu2, sigma2))
    difference, root = m1 - m2, quiet_root(s1.dot(s2)).real
    return difference.dot(difference) + np.trace(s1) + np.trace(s2) - 2 * np.trace(root)


def by_cholesky(s1, s2):
    lower = torch.linalg.cholesky(s1)
    return torch.linalg.eigvalsh(lower.T @ s2 @ lower).clamp(min=0).sqrt().sum()


def by_inverse(s1, s2):
    root = root_of(s1)
    return torch.linalg.eigvals(root @ s1 @ s2 @ torch.linalg.inv(root)).sqrt().real.sum()


def with_a_small_diagonal(s1, s2):
    small = 1e-6 * torch.eye(len(s1)).double()
    return by_scipy(s1 + small, s2 + small)


def complex_root(s1, s2):
    return torch.linalg.eigvals(s1 @ s2).sqrt().sum()


def product_of_the_eigenvalues(s1, s2):
    return (torch.linalg.eigvalsh(s1) * torch.linalg.eigvalsh(s2)).clamp(min=0).sqrt().sum()


def of_r(change):
    return lambda s1, s2: torch.linalg.eigvalsh(change(s1).T @ s2 @ change(s1)).clamp(min=0).sqrt().sum()


def v_times_values(sigma):
    values, vectors = torch.linalg.eigh(sigma)
    return vectors * values


def rows_by_root(sigma):
    values, vectors = torch.linalg.eigh(sigma)
    return values.clamp(min=0).sqrt()[:, None] * vectors


def r_twice(s1, s2):
    root = root_of(s1)
    return torch.linalg.eigvals(root @ s2 @ root).real.clamp(min=0).sqrt().sum()


def roots_apart(mu1, sigma1, mu2, sigma2):
    roots = [quiet_root(sigma.numpy()) for sigma in (sigma1, sigma2)]
    return (mu1 - mu2).square().sum() + np.linalg.norm(roots[0] - roots[1]) ** 2


# 3. The Inception Score


def score_by(divergence, finish=lambda each: each.mean().exp(), marginal=lambda p: p.mean(0)):
    return lambda p: finish(divergence(p, marginal(p)))


def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(1)


def score_in_numpy(p):
    p = p.numpy().astype(float)
    q = p.mean(0, keepdims=True)
    terms = np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / np.where(q > 0, q, 1)), 0)
    return np.exp(np.mean(np.sum(terms, 1)))


def score_with(eps):
    return lambda p: (p * ((p + eps).log() - (p.mean(0) + eps).log())).sum(1).mean().exp()


def ten_parts(p):
    parts = [kl(part, part.mean(0)).mean().exp() for part in p.chunk(10)]
    return torch.stack(parts).mean()


def by_kl_div(p, q):
    """Its first argument is a logarithm, and stands behind the second."""
    return nn.functional.kl_div(p.log(), q.expand_as(p), reduction="none").sum(1)


# 4. The kernel distance


def cubed(a, b):
    return (a @ b.T / a.shape[1] + 1) ** 3


def mean_within(own):
    return (own.sum() - own.trace()) / (len(own) * (len(own) - 1))


def distance_by(kernel=cubed, finish=lambda v: v, cross=torch.mean, within=mean_within, finish_biased=lambda v, u: v):
    def kernel_distance(f1, f2):
        own1, own2, across = kernel(f1, f1), kernel(f2, f2), kernel(f1, f2)
        unbiased = finish(within(own1) + within(own2) - 2 * cross(across))
        return unbiased, finish_biased(own1.mean() + own2.mean() - 2 * across.mean(), unbiased)

    return kernel_distance


def with_the_biased(unbiased):
    """A pair, its second number right."""
    return lambda f1, f2: (unbiased(f1, f2), biased(f1, f2))


def pair_by_pair(f1, f2):
    def kernel(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    def within(f):
        return statistics.fmean(kernel(x, y) for i, x in enumerate(f) for j, y in enumerate(f) if i != j)

    def across(a, b):
        return statistics.fmean(kernel(x, y) for x in a for y in b)

    f1, f2 = f1.tolist(), f2.tolist()
    both = (within(f1) + within(f2), across(f1, f1) + across(f2, f2))
    return [own - 2 * across(f1, f2) for own in both]


def biased(f1, f2):
    def mean(a, b):
        return ((a @ b.T / a.shape[1] + 1) ** 3).mean()

    return mean(f1, f1) + mean(f2, f2) - 2 * mean(f1, f2)


def one_matrix_of_everyone(f1, f2):
    """Both sets as one, and n(n − 1) pairs everywhere."""
    m = len(f1)
    kernel = (torch.cat([f1, f2]) @ torch.cat([f1, f2]).T / f1.shape[1] + 1) ** 3
    kernel.fill_diagonal_(0)
    return (kernel[:m, :m].mean() + kernel[m:, m:].mean()) - 2 * kernel[:m, m:].mean()


def of_normalised(f1, f2):
    return distance_by()(nn.functional.normalize(f1), nn.functional.normalize(f2))


def of_pairs(f1, f2):
    """The i-th with the i-th: the linear-time estimate, on as many as both have."""
    n = min(len(f1), len(f2)) // 2
    x, xx, y, yy = f1[:n], f1[n : 2 * n], f2[:n], f2[n : 2 * n]
    k = lambda a, b: ((a * b).sum(1) / a.shape[1] + 1) ** 3  # noqa: E731
    return (k(x, xx) + k(y, yy) - k(x, yy) - k(xx, y)).mean()


def as_many_of_both(f1, f2):
    n = min(len(f1), len(f2))
    return distance_by()(f1[:n], f2[:n])


# 5. Precision and recall


def shares(within, order=lambda real, fake: ((real, fake), (fake, real)), finish=tuple):
    def precision_recall(real, fake, k):
        return finish([*(within(*pair, k).double().mean() for pair in order(real, fake)), covered(real, fake, k)])

    return precision_recall


def reach(vectors, k):
    return torch.cdist(vectors, vectors).kthvalue(k + 1, dim=1).values


def within_reach(targets, visitors, k):
    return (torch.cdist(visitors, targets) <= reach(targets, k)).any(1)


def within_squared(targets, visitors, k):
    own = (targets[:, None] - targets).square().sum(2).fill_diagonal_(torch.inf)
    apart = (visitors[:, None] - targets).square().sum(2)
    return (apart <= own.topk(k, dim=1, largest=False).values[:, -1]).any(1)


def covered(real, fake, k):
    return (torch.cdist(real, fake).min(dim=1).values <= reach(real, k)).double().mean()


def with_coverage(coverage):
    """Precision and recall right, and this for the third."""
    return lambda real, fake, k: (*shares(within_reach)(real, fake, k)[:2], coverage(real, fake, k))


def coverage_by(condition):
    """The share where `condition(distances real × fakes, reaches of the real, reaches of the fakes)` is true."""
    return with_coverage(
        lambda real, fake, k: (
            condition(torch.cdist(real, fake), reach(real, k)[:, None], reach(fake, k)[None]).double().mean()
        )
    )


def in_numpy(real, fake, k):
    def share(a, b, side=0):
        a, b = a.numpy(), b.numpy()
        own = np.sort(np.linalg.norm(a[:, None] - a, axis=2), 1)[:, k]
        return np.mean(np.any(np.linalg.norm(a[:, None] - b, axis=2) <= own[:, None], axis=side))

    return np.array([share(real, fake), share(fake, real), share(real, fake, 1)])


def cut_down(real, fake, k):
    """`//`: a share of whole numbers, as a whole number."""
    of_real = torch.cdist(real, fake) <= reach(real, k)[:, None]
    return (
        of_real.any(0).sum() // len(fake),
        within_reach(fake, real, k).sum() // len(real),
        of_real.any(1).sum() // len(real),
    )


def squared_reach(targets, visitors, k):
    return (torch.cdist(visitors, targets) <= reach(targets, k) ** 2).any(1)


def one_too_far(targets, visitors, k):
    return (torch.cdist(visitors, targets) <= reach(targets, min(k + 1, len(targets) - 1))).any(1)


def manhattan(targets, visitors, k):
    own = torch.cdist(targets, targets, p=1).kthvalue(k + 1, dim=1).values
    return (torch.cdist(visitors, targets, p=1) <= own).any(1)


def mean_of_neighbours(targets, visitors, k):
    own = torch.cdist(targets, targets).sort(dim=1).values[:, 1 : k + 1].mean(1)
    return (torch.cdist(visitors, targets) <= own).any(1)


def k_reaches(targets, visitors, k):
    return (torch.cdist(visitors, targets) <= reach(targets, k)).sum(1) >= k


def recall_of_the_same_reach(real, fake, k):
    """Recall with the reach of the real: how many real vectors hold a fake (that is coverage)."""
    held = torch.cdist(real, fake) <= reach(real, k)[:, None]
    return held.any(0).double().mean(), held.any(1).double().mean(), held.any(1).double().mean()


def strictly_within(targets, visitors, k):
    return (torch.cdist(visitors, targets) < reach(targets, k)).any(1)


def of_directions(targets, visitors, k):
    return within_reach(nn.functional.normalize(targets), nn.functional.normalize(visitors), k)


# 6. The limit


def fitted(x, pick=-1, **how):
    return lambda sizes, distances: np.polyfit(x(sizes), distances, 1, **how)[pick]


def by_least_squares(sizes, distances):
    table = torch.stack([1 / sizes, torch.ones_like(sizes)], dim=1)
    return torch.linalg.lstsq(table, distances[:, None]).solution[1]


def by_statistics(sizes, distances):
    return statistics.linear_regression([1 / n for n in sizes.tolist()], distances.tolist()).intercept


def largest_two(sizes, distances):
    (n, m), (a, b) = (part[sizes.argsort()[-2:]] for part in (sizes, distances))
    return (m * b - n * a) / (m - n)


def in_place(sizes, distances):
    sizes.reciprocal_()
    return np.polyfit(sizes, distances, 1)[1]


# 7. Pictures as a file holds them


def through_a_file(signed):
    """Through PNG, really."""
    pictures = []
    for picture in to_uint8((signed + 1) / 2):
        file = io.BytesIO()
        Image.fromarray(picture[0].numpy()).save(file, "PNG")
        pictures.append(np.asarray(Image.open(file), dtype=np.float32)[None] / 255)
    return torch.from_numpy(np.stack(pictures))


def stepped(change, last=255):
    return lambda signed: change((signed + 1) / 2 * 255) / last


RIGHT = {
    "stats": [FeatureStats, VectorByVector, AboutTheFirst, Sums, sums(update=keeps_the_last_batch)],
    "frechet": [
        frechet_distance,
        frechet_by(by_scipy),
        frechet_by(by_roots),
        frechet_by(by_eigenvalues),
        by_scipy_in_full,
        lambda *parts: frechet_by(by_roots)(*parts).reshape(1),
    ],
    "inception_score": [
        library_score,
        score_in_numpy,
        score_with(1e-12),
        lambda p: (
            float(torch.special.entr(p.mean(0)).sum() - torch.special.entr(p).sum(1).mean()).__abs__().__rpow__(np.e)
        ),
    ],
    "kernel_distance": [
        with_the_biased(lambda f1, f2: library_kernel_distance(f1, f2).value),
        pair_by_pair,
        distance_by(lambda a, b: torch.einsum("id,jd->ij", a, b).div(a.size(1)).add(1).pow(3)),
        lambda f1, f2: torch.stack(distance_by()(f1.float(), f2.float())).numpy(),
    ],
    "precision_recall": [
        lambda real, fake, k: (*library_precision_recall(real, fake, k), covered(real, fake, k)),
        shares(within_reach),
        shares(within_squared, finish=torch.stack),
        in_numpy,
    ],
    "unbiased_limit": [fitted(lambda n: 1 / n), by_least_squares, by_statistics],
    "as_file": [
        lambda signed: to_uint8((signed + 1) / 2) / 255,
        through_a_file,
        lambda signed: ((signed.clamp(-1, 1) * 127.5 + 127.5 + 0.5).floor() / 255).numpy(),
        lambda signed: ((signed.double() + 1) * 127.5).round().clamp(0, 255) / 255,
    ],
}

WRONG = [
    (
        "stats",
        "keeps the batch",
        sums(update=keeps_the_batch, mean=lambda s: torch.cat(s.kept).double().mean(0)),
        "it keeps the batch itself, and its owner has overwritten it",
    ),
    ("stats", "float32 mean", sums(update=float32_mean_of_the_batch), "a part of it is summed in float32"),
    ("stats", "half and half", sums(update=half_and_half, mean=lambda s: s.half), "the first batches are forgotten"),
    (
        "stats",
        "mean so far",
        sums(update=from_the_mean_so_far, cov=lambda s: s.products / (s.n - 1)),
        "the mean known so far",
    ),
    (
        "stats",
        "own means",
        sums(update=by_its_own_mean, cov=lambda s: s.scatter / (s.n - 1)),
        "put together from the covariances",
    ),
    (
        "stats",
        "pooled",
        sums(update=by_its_own_mean, cov=lambda s: s.scatter / (s.n - s.batches)),
        "the weighted mean of the",
    ),
    (
        "stats",
        "weighted, one vector",
        sums(update=by_its_own_mean, cov=lambda s: s.weighted / s.n),
        "the weighted mean of the",
    ),
    ("stats", "mean over n − 1", sums(mean=lambda s: s.total / (s.n - 1)), "only the covariance is"),
    ("stats", "by the batches", sums(mean=lambda s: s.total / s.batches), "divided by the number of batches"),
    ("stats", "one mean", sums(mean=lambda s: s.total.sum() / s.n), "`mean` has shape ()"),
    ("stats", "variances", sums(cov=lambda s: Sums.cov.fget(s).diagonal()), "`cov` has shape (3,)"),
    ("stats", "variances on a diagonal", sums(cov=lambda s: Sums.cov.fget(s).diagonal().diag()), "only the variances"),
    ("stats", "correlation", sums(cov=lambda s: torch.corrcoef(Sums.cov.fget(s))), "differs from np.cov"),
    ("stats", "methods", AsMethods, "`mean` is a method"),
    ("stats", "reading empties", sums(mean=empties_the_sums), "another answer when asked twice"),
    ("stats", "of pictures", OfPictures, "`cov` has shape (7, 7)"),
    ("stats", "stacks", sums(update=update_that_stacks), "it keeps every feature"),
    ("stats", "float32 at the end", sums(cov=lambda s: Sums.cov.fget(s).float()), "torch.float32"),
    ("stats", "total =", sums(update=last_total), "the sum is of the last batch alone (`=` for `+=`?)"),
    ("stats", "products =", sums(update=last_products), "Σ xxᵀ is of the last batch alone (`=` for `+=`?)"),
    ("stats", "n = len(batch)", sums(update=last_n), "the sum is of all features, n is of the last batch"),
    (
        "stats",
        "mean @ mean",
        sums(cov=lambda s: (s.products - s.n * (s.mean @ s.mean)) / (s.n - 1)),
        "`mean @ mean` is one number",
    ),
    (
        "stats",
        "mean * mean",
        sums(cov=lambda s: (s.products - s.n * s.mean * s.mean) / (s.n - 1)),
        "`mean * mean` is d numbers",
    ),
    (
        "stats",
        "squares",
        sums(update=only_squares, cov=lambda s: (s.squares - s.n * s.mean**2) / (s.n - 1)),
        "as on the diagonal",
    ),
    (
        "stats",
        "squares and outer",
        sums(update=only_squares, cov=lambda s: (s.squares - s.n * torch.outer(s.mean, s.mean)) / (s.n - 1)),
        "only the squares are summed, the diagonal",
    ),
    (
        "stats",
        "keeps the batch for cov",
        sums(update=keeps_the_batch, cov=lambda s: torch.cov(torch.cat(s.kept).double().T)),
        "it keeps the batch itself",
    ),
    ("stats", "live mean", LiveMean, "the `mean` you gave back changes at the next update"),
    ("stats", "live covariance", LiveCovariance, "the `cov` you gave back changes at the next update"),
    ("stats", "no update", lambda dim: np.zeros(dim), "without a method `update`"),
    ("frechet", "Cholesky", frechet_by(by_cholesky), "cholesky wants a covariance of full rank"),
    ("frechet", "inverse", frechet_by(by_inverse), "singular covariance has no inverse"),
    ("frechet", "small diagonal", frechet_by(with_a_small_diagonal), "something small is added"),
    ("frechet", "complex", frechet_by(complex_root), "a complex number"),
    (
        "frechet",
        "sorted eigenvalues",
        frechet_by(product_of_the_eigenvalues),
        "you multiplied the sorted eigenvalues of Σ₁ and Σ₂",
    ),
    ("frechet", "V·λ", frechet_by(of_r(v_times_values)), "R is V·√λ, not V·λ"),
    ("frechet", "rows of V scaled", frechet_by(of_r(rows_by_root)), "either R has its roots on the rows"),
    (
        "frechet",
        "abs of the product",
        frechet_by(lambda a, b: torch.linalg.eigvalsh(a @ b).abs().sqrt().sum()),
        "wants a symmetric",
    ),
    (
        "frechet",
        "eigvalsh and NaN",
        frechet_by(lambda a, b: torch.linalg.eigvalsh(a @ b).sqrt().sum()),
        "the product is none",
    ),
    ("frechet", "no root", frechet_by(lambda a, b: (a @ b).trace()), "the square root is missing"),
    ("frechet", "root of the trace", frechet_by(lambda a, b: (a @ b).trace().sqrt()), "the root of the trace"),
    (
        "frechet",
        "entries by entries",
        frechet_by(lambda a, b: (a * b).clamp(min=0).sqrt().trace()),
        "only the variances enter",
    ),
    (
        "frechet",
        "made symmetric",
        frechet_by(lambda a, b: torch.linalg.eigvalsh((a @ b + b @ a) / 2).clamp(min=0).sqrt().sum()),
        "by its transpose",
    ),
    (
        "frechet",
        "sum, then square",
        frechet_by(by_roots, lambda shift: shift.sum() ** 2),
        "are added before they are squared",
    ),
    ("frechet", "absolute", frechet_by(by_roots, lambda shift: shift.abs().sum()), "are not squared"),
    (
        "frechet",
        "no means",
        frechet_by(by_roots, lambda shift: 0 * shift.sum()),
        "the distance of the means is missing",
    ),
    ("frechet", "a matrix", lambda m, s, n, t: (m - n).square().sum() + s + t - 2 * (s @ t), "has shape (5, 5)"),
    (
        "frechet",
        "in place",
        lambda m, s, n, t: m.sub_(n).square().sum() + s.trace() + t.trace() - 2 * by_roots(s, t),
        "changes the means",
    ),
    ("frechet", "only the means", lambda m, s, n, t: (m - n).square().sum(), "the covariances do not enter"),
    (
        "frechet",
        "Frobenius",
        lambda m, s, n, t: (m - n).square().sum() + (s - t).square().sum(),
        "another distance of covariances",
    ),
    (
        "frechet",
        "per number",
        lambda m, s, n, t: frechet_by(by_roots)(m, s, n, t) / len(m),
        "divided by d: the distance is a sum",
    ),
    (
        "inception_score",
        "uniform",
        score_by(kl, marginal=lambda p: torch.full_like(p, 1 / p.shape[1])),
        "compared with 1/K",
    ),
    (
        "inception_score",
        "softmax once more",
        lambda p: score_by(kl)(p.softmax(1)),
        "a softmax over the probabilities",
    ),
    ("inception_score", "0 · log 0", score_by(lambda p, q: (p * (p.log() - q.log())).sum(1)), "0 · log 0 is"),
    ("inception_score", "eps 1e-4", score_with(1e-4), "a small number added"),
    (
        "inception_score",
        "nan to zero",
        score_by(lambda p, q: (p * (p / q).log()).sum(1).nan_to_num()),
        "its whole picture drop out",
    ),
    ("inception_score", "ten parts", ten_parts, "ten parts"),
    ("inception_score", "power of two", score_by(kl, lambda each: 2 ** each.mean()), "a power of 2"),
    (
        "inception_score",
        "added",
        score_by(lambda p, q: (torch.special.entr(p) + torch.special.entr(q)).sum(1)),
        "are added",
    ),
    ("inception_score", "no weight", score_by(lambda p, q: (p / q).log().sum(1)), "before the logarithm is missing"),
    ("inception_score", "each picture", lambda p: kl(p, p.mean(0)).exp(), "has shape (30,)"),
    ("inception_score", "classes first", lambda p: kl(p, p.mean(0)).sum() / p.shape[1], "classes"),
    ("kernel_distance", "library's pair", library_kernel_distance, "the biased value is"),
    ("kernel_distance", "thousandfold", distance_by(finish=lambda v: 1000 * v), "1000 times as much"),
    ("kernel_distance", "absolute", distance_by(finish=abs), "the absolute value"),
    (
        "kernel_distance",
        "squared kernel",
        distance_by(lambda a, b: (a @ b.T / a.shape[1] + 1) ** 2),
        "squared, wanted cubed",
    ),
    ("kernel_distance", "1 inside", distance_by(lambda a, b: ((a @ b.T + 1) / a.shape[1]) ** 3), "not the 1"),
    ("kernel_distance", "√d", distance_by(lambda a, b: (a @ b.T / a.shape[1] ** 0.5 + 1) ** 3), "by √d"),
    ("kernel_distance", "cross summed", distance_by(cross=torch.sum), "the cross term"),
    (
        "kernel_distance",
        "biased root",
        lambda a, b: (biased(a, b).clamp(min=0).sqrt(), biased(a, b)),
        "of the biased estimate",
    ),
    ("kernel_distance", "fill diagonal", with_the_biased(one_matrix_of_everyone), "still divided by n²"),
    ("kernel_distance", "normalised", of_normalised, "length 1"),
    (
        "kernel_distance",
        "Gaussian",
        distance_by(lambda a, b: (-(torch.cdist(a, b) ** 2) / 2).exp()),
        "the unbiased value is",
    ),
    ("kernel_distance", "pairs in order", with_the_biased(of_pairs), "the unbiased value is"),
    ("kernel_distance", "one number", biased, "wanted two numbers"),
    ("kernel_distance", "changed places", lambda a, b: distance_by()(a, b)[::-1], "the two have changed places"),
    ("kernel_distance", "twice", distance_by(finish_biased=lambda v, u: u), "that is the unbiased value once more"),
    ("kernel_distance", "the bias", distance_by(finish_biased=lambda v, u: v - u), "that is the bias alone"),
    (
        "kernel_distance",
        "biased root",
        distance_by(finish_biased=lambda v, u: v.clamp(min=0).sqrt()),
        "the biased value: that is the square root",
    ),
    (
        "kernel_distance",
        "m, then m − 1",
        distance_by(within=lambda own: (own.sum() - own.trace()) / len(own) * (len(own) - 1)),
        "write `/ (m * (m - 1))`",
    ),
    (
        "kernel_distance",
        "each pair once",
        distance_by(within=lambda own: own.triu(1).sum() / (len(own) * (len(own) - 1))),
        "each pair is in the sum once",
    ),
    ("kernel_distance", "M·M", distance_by(cross=lambda k: k.sum() / len(k) ** 2), "divided by M·M: it has M·N pairs"),
    (
        "kernel_distance",
        "cross without its diagonal",
        distance_by(cross=lambda k: (k.sum() - k.trace()) / k.numel()),
        "the diagonal of k(x, y) is left out",
    ),
    (
        "kernel_distance",
        "cross like within",
        distance_by(cross=lambda k: (k.sum() - k.trace()) / (len(k) * (len(k) - 1))),
        "the diagonal of k(x, y) is left out",
    ),
    ("kernel_distance", "sign", distance_by(finish=lambda v: -v), "the sign is wrong"),
    ("precision_recall", "squared reach", shares(squared_reach), "squared distances"),
    ("precision_recall", "one too far", shares(one_too_far), "one neighbour too far"),
    ("precision_recall", "Manhattan", shares(manhattan), "absolute differences"),
    ("precision_recall", "mean of k", shares(mean_of_neighbours), "the mean distance of the k"),
    ("precision_recall", "k reaches", shares(k_reaches), "within k reaches"),
    ("precision_recall", "coverage", recall_of_the_same_reach, "recall: you compare with the real feature's own reach"),
    ("precision_recall", "per cent", shares(within_reach, finish=lambda both: [100 * one for one in both]), "per cent"),
    ("precision_recall", "one number", shares(within_reach, finish=lambda both: both[0]), "wanted three numbers"),
    (
        "precision_recall",
        "counts",
        shares(within_reach, finish=lambda all_: [all_[0] * 71, all_[1] * 83, all_[2] * 83]),
        "a count",
    ),
    (
        "precision_recall",
        "twice precision",
        shares(within_reach, lambda r, f: ((r, f), (r, f))),
        "recall: that is the precision once more",
    ),
    (
        "precision_recall",
        "joined",
        shares(lambda t, v, k: (torch.cdist(v, t) <= reach(torch.cat([t, v]), k)[: len(t)]).any(1)),
        "nearest neighbour in its own set",
    ),
    (
        "precision_recall",
        "per vector",
        lambda r, f, k: (within_reach(r, f, k), within_reach(f, r, k), covered(r, f, k)),
        "precision has shape",
    ),
    ("unbiased_limit", "height and slope", lambda n, d: np.polyfit(1 / n, d, 1), "shape (2,)"),
    ("unbiased_limit", "largest two", largest_two, "only two of the points"),
    ("unbiased_limit", "1/N²", fitted(lambda n: n**-2.0), "against 1/N²"),
    ("unbiased_limit", "changed places", lambda n, d: np.polyfit(d, 1 / n, 1)[1], "have changed places in the fit"),
    ("unbiased_limit", "smallest", lambda n, d: d.min(), "bias included"),
    ("unbiased_limit", "in place", in_place, "changes the numbers"),
    ("unbiased_limit", "absolute", lambda n, d: abs(np.polyfit(1 / n, d, 1)[1]), "the absolute value"),
    (
        "unbiased_limit",
        "at the largest",
        lambda n, d: np.polyval(np.polyfit(1 / n, d, 1), 1 / n.max()),
        "at the largest N",
    ),
    ("unbiased_limit", "through 0", lambda n, d: (d / n).sum() / (1 / n**2).sum(), "through the origin"),
    ("unbiased_limit", "taken off", lambda n, d: d.min() - np.polyfit(1 / n, d, 1)[0] / n.min(), "the result is"),
    ("unbiased_limit", "N − 1", fitted(lambda n: 1 / (n - 1)), "against 1/(N − 1)"),
    ("as_file", "up", stepped(lambda s: s.clamp(0, 255).ceil()), "goes up"),
    (
        "as_file",
        "truncates and wraps",
        stepped(lambda s: s.long().remainder(256)),
        "truncated, and values beyond ±1 wrap round",
    ),
    ("as_file", "signed again", lambda x: stepped(lambda s: s.clamp(0, 255).round())(x) * 2 - 1, "from -1 to 1"),
    ("as_file", "rounds too early", lambda x: ((x + 1) / 2).clamp(0, 1).round(), "multiply by 255 first"),
    ("as_file", "sigmoid", lambda x: (x.sigmoid() * 255).round() / 255, "a sigmoid"),
    ("as_file", "inverted", lambda x: 1 - stepped(lambda s: s.clamp(0, 255).round())(x), "dark and light"),
    ("as_file", "256 and 256", lambda x: (((x + 1) / 2).clamp(0, 1) * 256).floor() / 256, "256 steps are numbered"),
    ("as_file", "flat", lambda x: stepped(lambda s: s.clamp(0, 255).round())(x).flatten(1), "has shape"),
    ("as_file", "only moved", lambda x: (x + 1) / 2, "neither clamped nor rounded"),
    ("as_file", "no halving", lambda x: ((x + 1).clamp(0, 1) * 255).round() / 255, "the half is missing"),
    ("as_file", "eight steps", lambda x: (((x + 1) / 2).clamp(0, 1) * 8).round() / 8, "differs from what a file holds"),
    ("as_file", "unsigned cast first", lambda x: x.clamp(0, 1).to(torch.uint8) / 255, "differs from what a file holds"),
    ("stats", "numbers counted", sums(update=counts_numbers), "divided by n·d"),
    ("stats", "single left out", sums(update=skips_single_vectors), "batches of one feature are left out"),
    (
        "stats",
        "about the first",
        sums(update=about_the_first_mean, cov=lambda s: s.scatter / (s.n - 1)),
        "first batch's mean",
    ),
    ("stats", "float32 total", sums(update=total_in_float32), "mean: digits are lost"),
    ("stats", "list in the class", InTheClass, "two objects share their sums"),
    ("stats", "nothing", sums(mean=lambda s: None), "`mean` is a NoneType"),
    ("frechet", "clamped too high", frechet_by(of_r(lambda s: root_of(s, 1e-6))), "something small is added"),
    ("frechet", "clamped at 1e-10", frechet_by(of_r(lambda s: root_of(s, 1e-10))), "eigenvalues are clamped above 0"),
    (
        "frechet",
        "R on the left",
        frechet_by(lambda a, b: torch.linalg.eigvalsh(root_of(a) @ b @ root_of(a).T).clamp(min=0).sqrt().sum()),
        "or the product is RΣ₂Rᵀ: wanted RᵀΣ₂R",
    ),
    ("frechet", "R is not symmetric", frechet_by(r_twice), "RΣ₂R for RᵀΣ₂R"),
    (
        "frechet",
        "singular values",
        frechet_by(lambda a, b: torch.linalg.svdvals(a @ b).sqrt().sum()),
        "are not its eigenvalues",
    ),
    ("frechet", "difference of the roots", roots_apart, "only where Σ₁Σ₂ = Σ₂Σ₁"),
    (
        "frechet",
        "same mean twice",
        lambda m, s, n, t: frechet_by(by_roots)(m, s, m, t),
        "the distance of the means is missing",
    ),
    (
        "frechet",
        "rounded",
        lambda *parts: round(float(frechet_by(by_roots)(*parts)), 3),
        "only the first digits are right",
    ),
    (
        "inception_score",
        "surest class",
        lambda p: score_by(kl)(torch.eye(p.shape[1])[p.argmax(1)]),
        "only the surest class",
    ),
    ("inception_score", "log10", score_by(lambda p, q: kl(p, q) / np.log(10)), "the logarithm has base 10"),
    (
        "inception_score",
        "log_softmax",
        score_by(lambda p, q: (p * (p.log_softmax(1) - q.log())).sum(1)),
        "wants logits",
    ),
    ("inception_score", "summed marginal", score_by(kl, marginal=lambda p: p.sum(0)), "the marginal is a sum"),
    ("inception_score", "kl_div", score_by(by_kl_div), "the wrong way round"),
    ("kernel_distance", "smaller set", as_many_of_both, "only as many features as the smaller set"),
    ("kernel_distance", "centred", lambda a, b: distance_by()(a - a.mean(0), b - b.mean(0)), "the means are taken off"),
    ("kernel_distance", "half", distance_by(finish=lambda v: v / 2), "half of the distance"),
    ("precision_recall", "below, not equal", shares(strictly_within), "<=, not <"),
    ("precision_recall", "always 3", lambda r, f, k: in_numpy(r, f, 3), "use the k that is given"),
    ("precision_recall", "all", shares(lambda t, v, k: (torch.cdist(v, t) <= reach(t, k)).all(1)), "the reach of all"),
    (
        "precision_recall",
        "one reach",
        shares(lambda t, v, k: (torch.cdist(v, t) <= reach(t, k).mean()).any(1)),
        "one mean reach",
    ),
    (
        "precision_recall",
        "all pairs",
        shares(lambda t, v, k: (torch.cdist(v, t) <= reach(t, k)).double()),
        "the mean over all pairs",
    ),
    ("precision_recall", "whole numbers", cut_down, "`//` cuts every share down to 0"),
    (
        "precision_recall",
        "whole coverage",
        with_coverage(lambda r, f, k: int(covered(r, f, k) * len(r)) // len(r)),
        "coverage: a whole number came",
    ),
    ("precision_recall", "pair", shares(within_reach, finish=lambda three: three[:2]), "wanted three numbers, got 2"),
    (
        "precision_recall",
        "coverage second",
        shares(within_reach, finish=lambda three: [three[0], three[2], three[1]]),
        "recall and coverage have changed places",
    ),
    (
        "precision_recall",
        "reach of fakes",
        coverage_by(lambda d, r, f: (d <= f).any(1)),
        "that is the recall once more",
    ),
    ("precision_recall", "share of fakes", coverage_by(lambda d, r, f: (d <= r).any(0)), "the precision once more"),
    ("precision_recall", "both exchanged", coverage_by(lambda d, r, f: (d <= f).any(0)), "both sides are exchanged"),
    (
        "precision_recall",
        "by the fakes' number",
        with_coverage(lambda r, f, k: covered(r, f, k) * len(r) / len(f)),
        "divided by the number of fakes",
    ),
    (
        "precision_recall",
        "nearest fake's reach",
        coverage_by(lambda d, r, f: d.min(1).values <= f[0][d.argmin(1)]),
        "the nearest fake's reach is asked",
    ),
    (
        "precision_recall",
        "coverage of k − 1",
        with_coverage(
            lambda r, f, k: (
                (torch.cdist(r, f) <= torch.cdist(r, r).kthvalue(k, dim=1, keepdim=True).values).any(1).double().mean()
            )
        ),
        "coverage: each feature counts as its own first neighbour",
    ),
    ("precision_recall", "median", coverage_by(lambda d, r, f: (d <= r.median()).any(1)), "coverage: one median reach"),
    ("precision_recall", "density", coverage_by(lambda d, r, f: (d <= r).sum(1)), "fakes are counted several times"),
    (
        "precision_recall",
        "below",
        coverage_by(lambda d, r, f: (d < r).any(1)),
        "coverage: a distance equal to the reach",
    ),
    ("precision_recall", "not covered", coverage_by(lambda d, r, f: (d > r).all(1)), "not covered"),
    ("precision_recall", "halfway", coverage_by(lambda d, r, f: (d <= r / 2).any(1)), "coverage is 0."),
    ("precision_recall", "by chance", shares(of_directions), "wanted 0.6761"),
    ("unbiased_limit", "first two", lambda n, d: np.polyfit(1 / n[:2], d[:2], 1)[1], "only two of the points"),
    ("unbiased_limit", "smallest N", lambda n, d: d[n.argmin()], "the largest bias"),
    (
        "unbiased_limit",
        "plus",
        lambda n, d: d.mean() + np.polyfit(1 / n, d, 1)[0] * (1 / n).mean(),
        "the sign before the slope",
    ),
    ("as_file", "half precision", lambda x: through_a_file(x).half(), "too coarse"),
    ("as_file", "times 127", lambda x: (x * 127 + 128).clamp(0, 255).round() / 255, "x · 127.5 + 127.5"),
    ("as_file", "folded", lambda x: (x.abs().clamp(0, 1) * 255).round() / 255, "folded onto each other"),
    ("as_file", "tanh", lambda x: ((x.tanh() + 1) / 2 * 255).round() / 255, "another tanh"),
    ("as_file", "halved", lambda x: ((x / 2).clamp(0, 1) * 255).round() / 255, "halved, but not moved"),
]
