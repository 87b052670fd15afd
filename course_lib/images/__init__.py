"""Images as N×C×H×W tensors: value ranges, resizing, holes, tiles, and writing to files."""

from course_lib.images.augmentation import recoloured, turned, turned_back
from course_lib.images.grid import save_image, tiled, write_pictures
from course_lib.images.holes import split_hole, with_hole
from course_lib.images.ranges import eight_bits, to_signed, to_uint8, to_unit
from course_lib.images.resize import resize
from course_lib.images.self_ensemble import self_ensemble
from course_lib.images.tiles import by_tiles, each_tile

__all__ = [
    "by_tiles",
    "each_tile",
    "eight_bits",
    "recoloured",
    "resize",
    "save_image",
    "self_ensemble",
    "split_hole",
    "tiled",
    "to_signed",
    "to_uint8",
    "to_unit",
    "turned",
    "turned_back",
    "with_hole",
    "write_pictures",
]
