"""Answers to the exercises and to what the text checks in passing, beyond those in `wrong_answers/`.

A module for each part of `course_lib.check`; in each, RIGHT is {check: [answers that must pass]} and WRONG is
[(check, name of the slip, answer, words that must name it)].
"""

from answers import (
    denoising,
    evaluation,
    gan_game,
    gan_losses,
    gan_training,
    inpainting,
    residual_blocks,
    super_resolution,
    super_resolution_networks,
)

MODULES = (
    residual_blocks,
    gan_game,
    gan_losses,
    gan_training,
    evaluation,
    denoising,
    inpainting,
    super_resolution,
    super_resolution_networks,
)
RIGHT = {name: answers for module in MODULES for name, answers in module.RIGHT.items()}
WRONG = [slip for module in MODULES for slip in module.WRONG]
