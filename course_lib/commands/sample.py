"""`course sample`: generate images with a trained generator."""

from pathlib import Path
from typing import Annotated

import typer

from course_lib.errors import CourseError


def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR|NAME", help="A run, or a published checkpoint.")],
    n: Annotated[int, typer.Option("--n", metavar="N", help="How many images.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="FILE.npy: uint8; FILE.png: a grid.")],
    seed: Annotated[int, typer.Option(help="Another seed gives other images.")] = 0,
) -> None:
    """Generate images with a trained generator."""
    if out.suffix.lower() not in (".npy", ".png"):
        raise CourseError(f"--out {out} has no known ending; name a file that ends in .npy or .png.")
    if n < 1:
        raise CourseError(f"--n {n} is too small; give a number above 0.")
    if out.is_dir():
        raise CourseError(f"--out {out} is a folder; name a file in it.")
    from course_lib.images import write_pictures
    from course_lib.recipes import RECIPES
    from course_lib.runs import load_model
    from course_lib.sampling import sample_images

    model, card = load_model(folder)
    recipe = RECIPES[card["recipe"]]
    if recipe.kind != "generator":
        others = " or ".join(other.name for other in RECIPES.values() if other.kind == "generator")
        raise CourseError(f"{folder} is a run of {recipe.name}: it generates no images; train {others}.")
    images = sample_images(model, n, seed)
    write_pictures(images, out)
    height, width = images.shape[-2:]
    print(f"{recipe.name}: {len(images)} images of {width}×{height}, seed {seed} → {out}")
