"""The store of quality: predictions that are recorded, labels, and what they come to."""

from service.quality.store_erasure import ErasureStore
from service.quality.store_feedback import FeedbackStore
from service.quality.store_labelled import LabelStore
from service.quality.store_predictions import PredictionStore
from service.quality.store_readings import ReadingStore
from service.quality.store_scores import ScoreStore


class QualityStore(
    FeedbackStore, ReadingStore, ScoreStore, PredictionStore, LabelStore, ErasureStore
):
    """The quality of one repository's models; several repositories may share a database.

    Safe in threads and with any number of processes and replicas at once.
    """
