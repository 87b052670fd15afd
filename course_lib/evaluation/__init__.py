"""From images to features, and all metrics of a set of images at once.

Extractors: the course's own classifier, the standard Inception network, or any network.
"""

from course_lib.evaluation.extractor import Extractor, ScoreNames
from course_lib.evaluation.features import Features, extract_features
from course_lib.evaluation.garments import EXTRACTOR, GarmentFeatures, fd_clf, garments
from course_lib.evaluation.inception import inception
from course_lib.evaluation.network_extractor import network_extractor
from course_lib.evaluation.scores import Scores, compare, score_table

__all__ = [
    "EXTRACTOR",
    "Extractor",
    "Features",
    "GarmentFeatures",
    "ScoreNames",
    "Scores",
    "compare",
    "extract_features",
    "fd_clf",
    "garments",
    "inception",
    "network_extractor",
    "score_table",
]
