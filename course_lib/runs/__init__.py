"""A run is a folder on disk: weights, everything needed to resume, and a card that describes it."""

from course_lib.runs.card import CARD_FILE, WEIGHTS_FILE, make_card, read_card
from course_lib.runs.load import find_run, load_model
from course_lib.runs.train import train

__all__ = ["CARD_FILE", "WEIGHTS_FILE", "find_run", "load_model", "make_card", "read_card", "train"]
