"""The command line: `course …`. It parses and reports; the work is in the modules it calls.

Those are imported inside the commands: torch takes seconds to load and `course --help` should not.
"""

import json as jsonlib
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from course_lib.errors import CourseError
from course_lib.exit_codes import exit_code

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def main(argv: list[str] | None = None) -> int:
    """Run `course` with `argv` (default: the shell's) and return its exit code (see exit_codes)."""
    return exit_code(lambda: _run(sys.argv[1:] if argv is None else argv))


def _run(argv: list[str]) -> None:
    # Not `app()`: it would print usage errors in three lines and turn Ctrl-C into a code of its own.
    command = typer.main.get_command(app)
    with command.make_context("course", list(argv)) as context:
        command.invoke(context)


def _version(wanted: bool) -> None:
    if wanted:
        print("course", metadata.version("residual-imaging"))
        raise typer.Exit


VERSION = typer.Option("--version", callback=_version, is_eager=True, help="Print the course's version.")


@app.callback(invoke_without_command=True)
def _course(context: typer.Context, version: Annotated[bool, VERSION] = False) -> None:
    """Residual Imaging: a hands-on course in image generation and restoration."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def doctor(json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Say what this machine has, what is missing, and how to mend it."""
    from course_lib.doctor import as_text, report

    items = report()
    ok = all(item.status != "missing" for item in items)
    data = {"ok": ok, "items": [vars(item) for item in items]}
    print(jsonlib.dumps(data, indent=2) if json else as_text(items))
    raise typer.Exit(0 if ok else 1)


@app.command()
def lab(
    port: Annotated[int | None, typer.Option(help="This one. Default: 8888 or the next free.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
) -> None:
    """Open the course in JupyterLab, on this machine only."""
    from course_lib.lab import start

    raise typer.Exit(start(port, browser=not no_browser))


@app.command()
def test(
    names: Annotated[list[str] | None, typer.Argument(metavar="NOTEBOOK", help="Only run these again.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Leave the chapter runs out.")] = False,
    instructions: Annotated[
        str, typer.Option(metavar="own|avx2|sse41", help="Use no newer processor instructions.")
    ] = "own",
) -> None:
    """Prove the course: everything that continuous integration runs."""
    from course_lib.authoring import proof

    if names and fast:
        raise CourseError("--fast leaves the chapter runs out, and a notebook came as well: give one of the two.")
    raise typer.Exit(1 if proof.prove(fast=fast, instructions=instructions, names=names or []) else 0)


@app.command()
def notebooks(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Default: all.")] = None,
    pull: Annotated[bool, typer.Option("--pull", help="Take edits in Jupyter into the text.")] = False,
) -> None:
    """Execute the notebooks from their text, in fresh kernels."""
    if pull and not names:
        raise CourseError("--pull came without a notebook: name one, for example 00_start_here.")
    from course_lib.authoring import notebooks as module

    for name in names or ["all"]:
        (module.pull if pull else module.build)(name)


@app.command()
def bands(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="A chapter, a folder, or all.")],
    seeds: Annotated[int, typer.Option(help="At least 5.")] = 6,
    keep_seeds: Annotated[bool, typer.Option("--keep-seeds", help="Measure rounding only.")] = False,
) -> None:
    """Measure how far a notebook moves when nothing is wrong."""
    from course_lib.authoring.bands import measure

    for name in names:
        for file in measure(name, seeds, keep_seeds):
            print(file)


@app.command()
def exercises(check: Annotated[bool, typer.Option("--check", help="Only compare.")] = False) -> None:
    """Generate exercises/ from solutions/."""
    from course_lib.authoring.exercises import generate

    for path in generate(check):
        print(path.name)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="For example residual_gan or denoise.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The weights and card.json go here.")],
    budget: Annotated[str | None, typer.Option(metavar="cpu|gpu", help="Default: the device's.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Train this long.")] = None,
    steps: Annotated[int | None, typer.Option(help="Train this many steps.")] = None,
    data: Annotated[str | None, typer.Option(metavar="NAME", help="Default: the recipe's own.")] = None,
    seed: Annotated[int, typer.Option(help="Another number, another run.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from what DIR holds.")] = False,
) -> None:
    """Train a recipe and write its model and card."""
    if seconds is not None and steps is not None:
        raise CourseError("--seconds and --steps both came: give one, or neither for the budget's own.")
    for option, value in (("--seconds", seconds), ("--steps", steps)):
        if value is not None and not 0 < value < float("inf"):
            raise CourseError(f"{option} {value} came: give a number above 0.")
    if budget not in (None, "cpu", "gpu"):
        raise CourseError(f"--budget {budget} came: give cpu or gpu.")
    if out.exists() and not out.is_dir():
        raise CourseError(f"--out {out} is a file: name a folder, new or from an earlier run.")
    from course_lib import runs

    length = {"budget": budget, "seconds": seconds, "steps": steps}
    card = runs.train(recipe, out, data=data, seed=seed, resume=resume, **length)
    print(f"{card['recipe']}: {card['steps']} steps in {card['seconds']:.0f} s → {out}")
    for metric in card["metrics"]:
        print("  {name}: {value:.4g} {unit} ({protocol})".format(**metric))


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `course train` wrote.")],
    n: Annotated[int, typer.Option("--n", metavar="N", help="How many pictures.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="FILE.npy: uint8; FILE.png: a grid.")],
    seed: Annotated[int, typer.Option(help="Another number, other pictures.")] = 0,
) -> None:
    """Make pictures with a trained generator."""
    if out.suffix.lower() not in (".npy", ".png"):
        raise CourseError(f"--out {out} came: name a file that ends in .npy or .png.")
    if n < 1:
        raise CourseError(f"--n {n} came: give a number above 0.")
    if out.is_dir():
        raise CourseError(f"--out {out} is a folder: name a file in it.")
    from course_lib import runs, sampling

    run, card = runs.load_run(folder)
    if run.sample is None:
        wanted = "train mlp_gan, dcgan or residual_gan"
        raise CourseError(f"{folder} is a run of {card['recipe']}: it makes no pictures; {wanted}.")
    images = run.sample(n, seed)
    sampling.write_pictures(images, out)
    height, width = images.shape[-2:]
    print(f"{card['recipe']}: {len(images)} pictures of {width}×{height}, seed {seed} → {out}")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `course train` wrote.")],
    # readable=False: not looked at here, since `restore` says what to do about it.
    picture: Annotated[Path, typer.Argument(metavar="IN", readable=False, help="Any picture, of any size.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=".png, .jpg, .webp, .tif or .bmp.")],
    mask: Annotated[
        Path | None, typer.Option(metavar="MASK", readable=False, help="White where pixels are missing.")
    ] = None,
) -> None:
    """Mend a real picture with a trained network."""
    from course_lib import restoring

    print(restoring.restore(folder, picture, out, mask))


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `course train` wrote.")],
    data: Annotated[str | None, typer.Option(metavar="NAME", help="Default: what it was trained on.")] = None,
    n: Annotated[int | None, typer.Option("--n", metavar="N", help="Pictures to judge. Default: 10,000.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the pictures. Default: 1, as on the cards.")] = None,
    extractor: Annotated[str | None, typer.Option(metavar="garments|inception", help="Default: garments.")] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Measure a trained run: every metric with its protocol."""
    from course_lib import verdict

    found = verdict.evaluate(folder, data=data, n=n, seed=seed, extractor=extractor)
    print(jsonlib.dumps(found.content, indent=2, ensure_ascii=False) if json else found.text)
