"""From pictures to features: the course's own classifier, the standard Inception network, or any network."""

from course_lib.extractor.base import Extractor
from course_lib.extractor.garments import EXTRACTOR, GarmentFeatures, fd_clf, garment_stats, garments
from course_lib.extractor.inception import inception
from course_lib.extractor.networks import network_extractor

__all__ = [
    "EXTRACTOR",
    "Extractor",
    "GarmentFeatures",
    "fd_clf",
    "garment_stats",
    "garments",
    "inception",
    "network_extractor",
]
