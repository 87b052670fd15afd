"""The Inception Score: is a classifier confident on each image, and are its predictions diverse over all of them?"""

import torch
from torch import Tensor

from course_lib.errors import CourseError


def inception_score(probabilities: Tensor) -> float:
    """exp of the mean KL(p(y|x) ‖ p(y)), from 1 (same prediction for all) to K (confident, classes equally frequent).

    Args:
        probabilities: N×K, a softmax in each row: in [0,1], summing to 1; N ≥ 2. Computed in float64.
    Uses all N at once; the paper averages over ten splits, which gives lower values. Raises CourseError for other
    shapes, a single image, numbers that are not finite, and rows that are not probabilities.
    Papers: Salimans et al. 2016; Barratt and Sharma 2018 (what it misses). Chapter 04.
    """
    if probabilities.ndim != 2 or len(probabilities) < 2 or not probabilities.shape[1]:
        raise CourseError(f"inception_score: got {tuple(probabilities.shape)}, wanted N×K, at least 2 images")
    probabilities = probabilities.detach().cpu().double()
    if not probabilities.isfinite().all():
        raise CourseError("inception_score: nan or inf among the probabilities; check the images or the classifier")
    sums = probabilities.sum(1)
    # The tolerance allows for a softmax in half precision.
    if probabilities.min() < 0 or (sums - 1).abs().max() > 1e-2:
        raise CourseError(
            f"inception_score: got a minimum of {probabilities.min():.3g} and row sums of {sums.min():.3g} … "
            f"{sums.max():.3g}; wanted probabilities: softmax(logits, dim=1)"
        )
    entropy = torch.special.entr
    overall, each = entropy(probabilities.mean(0)).sum(), entropy(probabilities).sum(1).mean()
    return (overall - each).exp().item()
