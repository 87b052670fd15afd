"""From batches to trained networks: the training loop, its step functions, schedules and weight averaging."""

from course_lib.training.ema import EMA
from course_lib.training.gan_step import (
    GanStep,
    Pair,
    apart,
    diversity,
    from_degraded,
    from_noise,
    game,
    one_lipschitz,
    r1_r2,
    together,
)
from course_lib.training.optimisers import accelerator_for, adam
from course_lib.training.perceptual_loss import perceptual_loss
from course_lib.training.schedules import Schedule, constant, cosine, fading
from course_lib.training.supervised_step import SupervisedStep, supervised
from course_lib.training.trainer import STATE_FILE, Trainer

__all__ = [
    "EMA",
    "STATE_FILE",
    "GanStep",
    "Pair",
    "Schedule",
    "SupervisedStep",
    "Trainer",
    "accelerator_for",
    "adam",
    "apart",
    "constant",
    "cosine",
    "diversity",
    "fading",
    "from_degraded",
    "from_noise",
    "game",
    "one_lipschitz",
    "perceptual_loss",
    "r1_r2",
    "supervised",
    "together",
]
