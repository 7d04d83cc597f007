"""Bodies of feedback: labels that are sent, what became of them, and what they come to."""

from typing import Annotated, Any

from pydantic import Field, JsonValue

from service.web.openapi.body import Body

Count = Annotated[int, Field(ge=0)]
Record = dict[str, Any]


class FeedbackRow(Body):
    """The true label of one row of a prediction."""

    prediction_id: str = Field(description="As it was answered; row n of a batch is `<id>/n`")
    label: JsonValue = Field(
        description="A label or the index of a class, from 0; a number; or a list of them"
    )


class FeedbackRequest(Body):
    """True labels, one or thousands; each row stands for itself."""

    feedback: list[FeedbackRow]


class LabelledInstances(Body):
    """Instances that were never predicted: the current version answers them first."""

    instances: list[JsonValue]
    labels: list[JsonValue] = Field(description="One for each instance")


class RefusedRow(Body):
    """A row that wasn't kept."""

    row: Count = Field(description="Its place in the request, from 0")
    reason: str
    text: str


class FeedbackAnswer(Body):
    """What became of the rows; those that are kept are on the disk."""

    model: str
    rows: Count
    kept: Count = Field(description="Rows whose label is kept now")
    outcomes: dict[str, Count] = Field(description="Rows by what became of them")
    refused: list[RefusedRow] = Field(description="The first hundred that weren't kept")
    refused_unlisted: Count = Field(description="How many more weren't")


class SeldonFeedbackRequest(Body):
    """Feedback in Seldon's shape: the truth, and the response that it is about."""

    response: Record = Field(description="`meta.puid` is the prediction_id")
    truth: Record = Field(description="`data.ndarray`, or `data.tensor`")
    request: Record | None = None
    reward: float | None = Field(None, description="Not used")


class SeldonFeedbackAnswer(FeedbackAnswer):
    """The same, with Seldon's `meta`."""

    meta: Record


class RefusedId(Body):
    """An id that is none of this model's."""

    prediction_id: str
    reason: str
    text: str


class ForgetAnswer(Body):
    """What is gone."""

    model: str
    forgotten: Count = Field(description="Ids of which nothing is kept any more")
    labelled_rows: Count = Field(description="Rows with a label that were deleted")
    refused: list[RefusedId]


class VersionQuality(Body):
    """One version: how many of its rows have a label, and what these tell."""

    version: Annotated[int, Field(ge=1)]
    kind: str = Field(description="classes, values, sets; nothing before the first label")
    predicted: Count = Field(description="Rows that were predicted, by the hour")
    labelled: Count
    coverage: float | None
    scores: Record | None = Field(description="A score is null where it has no value")
    confusion: list[list[Count]] | None = Field(
        description="Rows true, columns predicted; up to 20 classes"
    )
    estimate: Record | None = Field(
        description="What the accuracy probably is, labels or not; null without 100 labelled rows"
    )


class QualityAnswer(Body):
    """How good each version is, by labels of predictions of the window."""

    model: str
    window: str
    versions: list[VersionQuality]
    outcomes: dict[str, Count] = Field(description="All rows of feedback by what became of them")
