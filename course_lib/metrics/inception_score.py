"""The Inception Score: are the answers of a classifier sure for each image and varied over all of them?"""

import torch
from torch import Tensor

from course_lib.errors import CourseError


def inception_score(probabilities: Tensor) -> float:
    """exp of the mean KL(p(y|x) ‖ p(y)), from 1 (all images answered alike) to K (sure, and all classes as often).

    Args:
        probabilities: N×K, a softmax in each row: in [0,1], summing to 1; N ≥ 2. Computed in float64.
    Over all N at once; the paper takes the mean over ten tenths, which is lower. Raises CourseError for another shape,
    one image, numbers that are not finite or no probabilities.
    Papers: Salimans et al. 2016; Barratt and Sharma 2018 (what it misses). Chapter 04.
    """
    if probabilities.ndim != 2 or len(probabilities) < 2 or not probabilities.shape[1]:
        raise CourseError(f"inception_score: got {tuple(probabilities.shape)}, wanted N×K, at least 2 images")
    probabilities = probabilities.detach().cpu().double()
    if not probabilities.isfinite().all():
        raise CourseError("inception_score: nan or inf among the probabilities; look at the images or the classifier")
    sums = probabilities.sum(1)
    # Room for a softmax in half precision.
    if probabilities.min() < 0 or (sums - 1).abs().max() > 1e-2:
        raise CourseError(
            f"inception_score: got numbers from {probabilities.min():.3g}, rows that add up to {sums.min():.3g} … "
            f"{sums.max():.3g}; wanted probabilities: softmax(logits, dim=1)"
        )
    entropy = torch.special.entr
    overall, each = entropy(probabilities.mean(0)).sum(), entropy(probabilities).sum(1).mean()
    return (overall - each).exp().item()
