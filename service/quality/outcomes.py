"""What becomes of one row of feedback: kept, or refused for its own reason."""

from enum import StrEnum


class Outcome(StrEnum):
    """The word stands in answers, in the database and in a metric's label."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CORRECTED = "corrected"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
    UNKNOWN_ID = "unknown_id"
    OTHER_MODEL = "other_model"
    EXPIRED = "expired"
    ROW_OUT_OF_RANGE = "row_out_of_range"
    UNKNOWN_CLASS = "unknown_class"
    NOT_A_NUMBER = "not_a_number"
    NOT_SCORED = "not_scored"

    @property
    def is_kept(self) -> bool:
        """True where the database holds this very label now."""
        return self in (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.CORRECTED)

    @property
    def explanation(self) -> str:
        """One sentence for the person who sent the row."""
        return EXPLANATIONS[self]


EXPLANATIONS = {
    Outcome.ACCEPTED: "The label is kept.",
    Outcome.DUPLICATE: "The same label was there already; nothing changed.",
    Outcome.CORRECTED: "Another label was there; this one counts now.",
    Outcome.MALFORMED: "This is no prediction_id: give it back exactly as it was answered.",
    Outcome.UNKNOWN_KEY: "The prediction_id was made by another installation, or its key is gone.",
    Outcome.FORGED: "The prediction_id was changed: its signature doesn't fit.",
    Outcome.UNKNOWN_ID: "No prediction was recorded under this id, or it was deleted.",
    Outcome.OTHER_MODEL: "The prediction_id is another model's.",
    Outcome.EXPIRED: "The prediction is older than labels are accepted for this model.",
    Outcome.ROW_OUT_OF_RANGE: (
        "The prediction has no such row: row n of a batch is <prediction_id>/n, from 0."
    ),
    Outcome.UNKNOWN_CLASS: (
        "The model has no such class: expected one of its labels or an index from 0;"
        " for a model that gives several labels at once, a list of them."
    ),
    Outcome.NOT_A_NUMBER: "Expected the true number, or a list of as many as the model gives.",
    Outcome.NOT_SCORED: "The model's answers are nothing that a label can be compared with.",
}
