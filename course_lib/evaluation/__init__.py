"""From images to features, and all metrics of a set of images at once.

Extractors: the course's own classifier, the standard Inception network, or any network.
"""

from course_lib.evaluation.extractor import Extractor
from course_lib.evaluation.garments import EXTRACTOR, GarmentFeatures, fd_clf, garment_stats, garments
from course_lib.evaluation.inception import inception
from course_lib.evaluation.network_extractor import network_extractor
from course_lib.evaluation.scores import Features, Scores, compare, look, score_table

__all__ = [
    "EXTRACTOR",
    "Extractor",
    "Features",
    "GarmentFeatures",
    "Scores",
    "compare",
    "fd_clf",
    "garment_stats",
    "garments",
    "inception",
    "look",
    "network_extractor",
    "score_table",
]
