"""Metrics of images and models: from pixels, from labels, or from the statistics of features."""

from course_lib.metrics.accuracy import accuracy
from course_lib.metrics.averages import hole_psnr, mean_psnr
from course_lib.metrics.feature_stats import FeatureStats
from course_lib.metrics.frechet import Gaussian, frechet_distance
from course_lib.metrics.frechet_textbook import textbook_frechet_distance
from course_lib.metrics.inception_score import inception_score
from course_lib.metrics.kernel_distance import kernel_distance
from course_lib.metrics.patch_distance import patch_distance
from course_lib.metrics.precision_recall import precision_recall
from course_lib.metrics.psnr import psnr, rgb_to_luma
from course_lib.metrics.ssim import ssim

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
