"""The Fréchet distance as textbooks write it, meant for reading; `frechet.py` computes it several times as fast."""

import torch
from torch import Tensor


def textbook_frechet_distance(mu1: Tensor, sigma1: Tensor, mu2: Tensor, sigma2: Tensor) -> float:
    """‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½), by the eigenvalues of the product Σ₁Σ₂.

    mu: (d,), sigma: (d, d), symmetric and positive semi-definite. The inputs are not checked. Paper: Dowson and Landau
    1982. Chapter 04.
    """
    mu1, sigma1, mu2, sigma2 = (part.double() for part in (mu1, sigma1, mu2, sigma2))
    # The product of two covariances has real eigenvalues ≥ 0; values below 0 are rounding errors.
    eigenvalues = torch.linalg.eigvals(sigma1 @ sigma2).real.clamp(min=0)
    shift = (mu1 - mu2).square().sum()
    return (shift + sigma1.trace() + sigma2.trace() - 2 * eigenvalues.sqrt().sum()).item()
