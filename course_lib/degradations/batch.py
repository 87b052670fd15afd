"""Apply scikit-image to a batch, image by image."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def each_picture(images: Tensor, answer: Callable[[int, np.ndarray], np.ndarray]) -> Tensor:
    """answer(i, image i as H×W×C float32 NumPy array) for each image, stacked and clamped to [0,1].

    The result has the shape, type and device of `images`. Runs on the CPU, without gradients.
    """
    pictures = images.detach().to("cpu", torch.float32).permute(0, 2, 3, 1).numpy()
    # Some scikit-image functions drop the channel axis of a greyscale image; reshape restores it.
    results = [np.float32(answer(i, picture)).reshape(picture.shape) for i, picture in enumerate(pictures)]
    if not results:
        return torch.empty_like(images)
    return torch.from_numpy(np.stack(results)).permute(0, 3, 1, 2).clamp(0, 1).to(images).contiguous()
