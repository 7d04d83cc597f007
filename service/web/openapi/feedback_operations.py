"""The operations of feedback: true labels in, quality out, and what is to be forgotten."""

from collections.abc import Iterator

from service.web.answers import JSON
from service.web.feedback.forgetting import ForgetBody
from service.web.openapi.feedback_bodies import (
    FeedbackAnswer,
    FeedbackRequest,
    ForgetAnswer,
    LabelledInstances,
    QualityAnswer,
    SeldonFeedbackAnswer,
    SeldonFeedbackRequest,
)
from service.web.openapi.operation import EDGE, NAMED, Content, Operation, Tag, answers

TAG: Tag = "Quality"
MODEL = "/v1/models/{model}"
SELDON = "/api/v1.0/feedback"
RECEIPT = "r1-5f3a91c2-AQx3...-w"
WRITING = (*EDGE, *NAMED, 415, 503)
PREDICTING = (409, 504)  # instances that are predicted first


def operations() -> Iterator[Operation]:
    """All of them."""
    kept = answers("What became of each row", FeedbackAnswer)
    rows = {"feedback": [{"prediction_id": RECEIPT, "label": "3"}]}
    sent = {
        JSON: Content((FeedbackRequest, LabelledInstances), rows),
        "application/x-ndjson": Content(),
        "text/csv": Content(example=f"prediction_id,label\n{RECEIPT},3\n"),
    }
    yield Operation("post", f"{MODEL}:feedback", "feedback", "Send the true labels of predictions",
                    TAG, kept, (*WRITING, *PREDICTING), request=sent)  # fmt: skip
    yield from _seldon()
    gone = answers("It is gone", ForgetAnswer)
    yield Operation("post", f"{MODEL}:forget", "forget", "Delete all that is kept of predictions",
                    TAG, gone, (*EDGE, *NAMED, 503),
                    request={JSON: Content((ForgetBody,), {"prediction_ids": [RECEIPT]})},
                    )  # fmt: skip
    told = answers("Each version that labels were sent for", QualityAnswer)
    yield Operation("get", f"{MODEL}/quality", "quality", "How often the versions were right", TAG,
                    told, (*EDGE, *NAMED, 503), ("window", "min_support"))  # fmt: skip


def _seldon() -> Iterator[Operation]:
    kept = answers("What became of each row", SeldonFeedbackAnswer)
    body = {
        "response": {"meta": {"puid": RECEIPT, "tags": {"model": "digits"}}},
        "truth": {"data": {"ndarray": [["3"]]}},
    }
    sent = {JSON: Content((SeldonFeedbackRequest,), body)}
    for path, name, summary in (
        (SELDON, "seldonFeedback", "The same in Seldon's shape; meta.tags.model names the model"),
        (f"/seldon/{{namespace}}/{{model}}{SELDON}", "seldonModelFeedback",
         "The same in Seldon's shape"),
    ):  # fmt: skip
        yield Operation("post", path, name, summary, TAG, kept, WRITING, request=sent)
