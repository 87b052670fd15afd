"""What makes one result better than another: pixels, labels, or the statistics of features."""

from course_lib.metrics.averages import hole_psnr, mean_psnr
from course_lib.metrics.features import FeatureStats
from course_lib.metrics.frechet import Gaussian, frechet_distance
from course_lib.metrics.frechet_textbook import textbook_frechet_distance
from course_lib.metrics.inception import inception_score
from course_lib.metrics.kernel import kernel_distance
from course_lib.metrics.labels import accuracy
from course_lib.metrics.manifold import precision_recall
from course_lib.metrics.patches import patch_distance
from course_lib.metrics.pixels import psnr, rgb_to_luma
from course_lib.metrics.structure import ssim

__all__ = [
    "FeatureStats",
    "Gaussian",
    "accuracy",
    "frechet_distance",
    "hole_psnr",
    "inception_score",
    "kernel_distance",
    "mean_psnr",
    "patch_distance",
    "precision_recall",
    "psnr",
    "rgb_to_luma",
    "ssim",
    "textbook_frechet_distance",
]
