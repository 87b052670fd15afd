"""`course restore`: restore an image file with a trained network."""

from pathlib import Path
from typing import Annotated

import typer


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR|NAME", help="A run, or a published checkpoint.")],
    # readable=False: typer does not check it, because `restore` gives a better message.
    picture: Annotated[Path, typer.Argument(metavar="IN", readable=False, help="Any image, of any size.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=".png, .jpg, .webp, .tif or .bmp.")],
    mask: Annotated[
        Path | None, typer.Option(metavar="MASK", readable=False, help="White where pixels are missing.")
    ] = None,
) -> None:
    """Restore a real image with a trained network."""
    from course_lib.runs.restore import restore as restore_file

    print(restore_file(folder, picture, out, mask))
