"""What makes one result better than another: pixels, labels, or the statistics of features."""

from course_lib.metrics.features import FeatureStats, extract, frechet_distance
from course_lib.metrics.labels import accuracy
from course_lib.metrics.pixels import psnr, rgb_to_luma

__all__ = ["FeatureStats", "accuracy", "extract", "frechet_distance", "psnr", "rgb_to_luma"]
