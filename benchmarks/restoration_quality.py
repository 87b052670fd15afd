"""How well is a picture mended? Every method on the same pictures, the classical ones included, in one run.

    python benchmarks/restoration_quality.py            # writes docs/restoration.md

The networks are those in data/checkpoints, made by `course train`; the pictures are held-out photographs and garments
that no network here was trained on.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from course_lib.data import clean_photographs, load
from course_lib.degradations import (
    Downsample,
    GaussianNoise,
    Holes,
    biharmonic,
    gaussian_filter,
    mean_fill,
    median_filter,
    modcrop,
    non_local_means,
    wavelet,
)
from course_lib.images import eight_bits, self_ensemble, split_hole
from course_lib.metrics import hole_psnr, patch_distance, psnr, ssim
from course_lib.runs import load_model

TABLE = Path(__file__).parents[1] / "docs" / "restoration.md"
CPU = torch.device("cpu")
SIGMA = 25 / 255
Method = Callable[[Tensor], Tensor]


def network(name: str) -> tuple[Method, str]:
    """A checkpoint as a method, and how it was made."""
    model, card = load_model(name, CPU)
    minutes = f"{card['seconds'] / 60:.0f} min on {card['device']['device']}, {card['device']['threads']} thread(s)"
    return torch.no_grad()(model), f"{card['parameters']:,} parameters, {minutes}"


def photographs() -> list[Tensor]:
    return clean_photographs(load("photos", "test"), CPU)


def which(photos: list[Tensor]) -> str:
    return f"{len(photos)} held-out photographs (JPEG files at 0.6 of their size)"


def rows(methods: dict[str, Method], spoiled: list[Tensor], judge: Callable[[list[Tensor]], list[float]]) -> list[str]:
    """A line for each method: its numbers, and the seconds it took for all pictures."""
    lines = []
    for name, method in methods.items():
        started = time.perf_counter()
        answers = [method(y) for y in spoiled]
        seconds = time.perf_counter() - started
        lines.append(f"| {name} | {' | '.join(f'{value:.3f}' for value in judge(answers))} | {seconds:.2f} |")
    return lines


def denoising() -> list[str]:
    photos, noise = photographs(), GaussianNoise(SIGMA)
    noisy = [noise(photo, generator=torch.Generator().manual_seed(0)) for photo in photos]
    ours, about = network("denoise")
    methods = {
        "noisy": lambda y: y,
        "Gaussian filter": gaussian_filter,
        "median filter": median_filter,
        "wavelets (BayesShrink)": lambda y: wavelet(y, SIGMA),
        "non-local means": lambda y: non_local_means(y, SIGMA),
        f"`denoise` ({about})": ours,
    }

    def judge(answers: list[Tensor]) -> list[float]:
        # The noisy picture itself is compared as it is, beyond [0,1] here and there.
        finished = [answer if answer is y else eight_bits(answer) for answer, y in zip(answers, noisy, strict=True)]
        pairs = list(zip(finished, photos, strict=True))
        return [mean(psnr(pred, photo) for pred, photo in pairs), mean(ssim(pred, photo) for pred, photo in pairs)]

    head = f"{which(photos)}, RGB, σ = 25 of 255, not clipped, seed 0."
    return ["## Denoising", "", head, "", *header("PSNR, dB", "SSIM"), *rows(methods, noisy, judge)]


def super_resolution(scale: int, checkpoint: str) -> list[str]:
    photos = [modcrop(photo, scale) for photo in photographs()]
    shrink = Downsample(scale, rounded=True)
    ours, about = network(checkpoint)
    methods = {
        "nearest pixel": lambda y: y.repeat_interleave(scale, -1).repeat_interleave(scale, -2),
        "bicubic": shrink.baseline,
        f"`{checkpoint}` ({about})": ours,
        f"`{checkpoint}`, mean of eight looks": lambda y: self_ensemble(ours, y),
    }

    def judge(answers: list[Tensor]) -> list[float]:
        pairs, protocol = list(zip(map(eight_bits, answers), photos, strict=True)), {"luma": True, "shave": scale}
        return [
            mean(psnr(pred, photo, **protocol) for pred, photo in pairs),
            mean(ssim(pred, photo, **protocol) for pred, photo in pairs),
            255 * mean(patch_distance(pred, photo, scale=scale, shave=scale) for pred, photo in pairs),
        ]

    head = f"{which(photos)}, ×{scale} antialiased bicubic, 8 bits, Y channel, shave {scale}."
    columns = header("PSNR, dB", "SSIM", "patch distance, of 255")
    return [
        f"## Super-resolution ×{scale}",
        "",
        head,
        "",
        *columns,
        *rows(methods, [shrink(photo) for photo in photos], judge),
    ]


def inpainting(judged: int = 200) -> list[str]:
    originals = load("fashion_mnist_mini", "test").batch(range(judged))[0]
    ours, about = network("inpaint")
    lines = [
        "## Inpainting",
        "",
        f"The first {judged} test garments, error in the hole only; seed 0. (inf: some hole was filled exactly.)",
        "",
    ]
    kinds = {"box": (0.15, 0.3), "strokes": (0.15, 0.3), "scratches": (0.02, 0.06)}
    for kind, share in kinds.items():
        y = Holes(kind, share=share)(originals, generator=torch.Generator().manual_seed(0))
        hole = split_hole(y)[1]
        methods = {
            "mean fill": lambda y: mean_fill(*split_hole(y)),
            "biharmonic": lambda y: biharmonic(*split_hole(y)),
            f"`inpaint`, trained on boxes ({about})": lambda y: ours(y).clamp(0, 1),
        }
        lines += [
            f"Holes: {kind}, {share[0]:.0%} to {share[1]:.0%} of the area.",
            "",
            *header("PSNR, dB", "RMSE, of 255"),
        ]

        def judge(answers: list[Tensor], hole: Tensor = hole) -> list[float]:
            error = ((answers[0] - originals).square() * hole).sum() / hole.sum()
            return [hole_psnr(answers[0], originals, hole), 255 * error.sqrt().item()]

        lines += rows(methods, [y], judge)
        lines += [""]
    return lines[:-1]


def header(*columns: str) -> list[str]:
    return [f"| method | {' | '.join(columns)} | seconds |", "|---" * (len(columns) + 2) + "|"]


def mean(values) -> float:
    return torch.stack([value.mean() for value in values]).mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description="How well is a picture mended?")
    parser.add_argument("--print", action="store_true", help="Leave docs/restoration.md as it is.")
    given = parser.parse_args()
    parts = [
        ["# How well is a picture mended?", "", "Made by `python benchmarks/restoration_quality.py`."],
        ["Mean of each picture's number. Seconds are for all pictures, on a CPU with "
         f"{torch.get_num_threads()} thread(s)."],
        denoising(),
        super_resolution(2, "super_resolution"),
        super_resolution(4, "srgan"),
        inpainting(),
    ]  # fmt: skip
    text = "\n\n".join("\n".join(part) for part in parts) + "\n"
    print(text)
    if not given.print:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
