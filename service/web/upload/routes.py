"""The routes that put versions into the repository and take them out of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, request

from service.base.errors import KerasdError
from service.base.metrics import UPLOADS
from service.repository.deletion import Deletions
from service.repository.shelf import open_shelf
from service.repository.swap import Swaps
from service.web.admin.permits import order_of
from service.web.admin.query import truth, why_deleted
from service.web.admin.swaps import number_of
from service.web.process import WebProcess
from service.web.responses import json_response
from service.web.upload.head import UploadHead
from service.web.upload.intake import Intake
from service.web.upload.publisher import Publisher
from service.web.upload.receiver import Received
from service.web.upload.stream import EXTENSION, Stream, Taking

VERSIONS = "/v1/models/<model_name:model>/versions"
PIECE = 256 * 1024


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    settings, store = process.settings, process.reloader.store
    shelf = open_shelf(settings)
    intake, publisher = Intake(settings), Publisher(store, settings)

    @app.post(VERSIONS)
    def upload_version(model: str) -> Response:
        with received_by(intake) as (head, sent), _counted():
            order = order_of(head.why)
            outcome = publisher.publish(head, sent, order)
            UPLOADS.labels("repeated" if outcome.status == 200 else "published").inc()
        return json_response(outcome.record, outcome.status)

    @app.delete(f"{VERSIONS}/<model_name:version>")
    def delete_version(model: str, version: str) -> Response:
        number = number_of(model, version)
        order, is_forced = order_of(why_deleted("force")), truth("force")
        swaps = Swaps(store, process.tell)
        deletions = Deletions(store, swaps, shelf, settings.keep_days)
        with process.permits.one():
            deletions.delete(model, number, order, is_forced)
        return json_response({"model": model, "version": number, "deleted": True})


@contextmanager
def received_by(intake: Taking) -> Iterator[tuple[UploadHead, Received]]:
    """What the edge has written to the disk; under another server it is read here, by pieces."""
    stream = request.environ.get("asgi.scope", {}).get("extensions", {}).get(EXTENSION)
    if isinstance(stream, Stream):
        yield stream.receiver.head, stream.finish()  # the edge closes it when this is answered
        return
    headers = {name.lower(): value for name, value in request.headers.items()}
    receiver = intake.begin(request.path, request.query_string.decode("latin-1"), headers)
    try:
        request.max_content_length = intake.rules.max_bytes + 1  # one more: the refusal is ours
        if "asgi.scope" in request.environ:
            request.environ["wsgi.input_terminated"] = True  # as a2wsgi's is, without saying so
        while piece := request.stream.read(PIECE):
            receiver.write([piece])
        yield receiver.head, receiver.finish()
    finally:
        receiver.close()


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except KerasdError as error:
        UPLOADS.labels("refused" if error.status < 500 else "failed").inc()
        raise
    except Exception:
        UPLOADS.labels("failed").inc()
        raise
