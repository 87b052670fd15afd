"""scikit-image applied to a batch, image by image."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def each_picture(images: Tensor, answer: Callable[[int, np.ndarray], np.ndarray]) -> Tensor:
    """answer(i, picture i as H×W×C float32 NumPy array) for each picture, stacked and clamped to [0,1].

    The result has the shape, type and device of `images`. The work is done on the CPU, without gradients.
    """
    pictures = images.detach().to("cpu", torch.float32).permute(0, 2, 3, 1).numpy()
    # Some of scikit-image's functions drop the last axis of a gray picture: reshape brings it back.
    answers = [np.float32(answer(i, picture)).reshape(picture.shape) for i, picture in enumerate(pictures)]
    if not answers:
        return torch.empty_like(images)
    return torch.from_numpy(np.stack(answers)).permute(0, 3, 1, 2).clamp(0, 1).to(images).contiguous()
