"""The routes for data files: sent, listed, deleted."""

import time

from flask import Flask, Response

from service.base.errors import ModelNotFound
from service.base.http_errors import Conflict, Forbidden, UploadRefused
from service.base.magic import HDF5_SIGNATURE
from service.base.names import check_model_name
from service.base.settings import MEBIBYTE
from service.base.strict_json import Json
from service.data.format import HEAD_BYTES, tell_format
from service.data.shelf import DataFile, Shelf
from service.data.wording import file_text
from service.jobs.job import ENDED, JobState
from service.jobs.named import texts_in
from service.jobs.store_queue import MOST_FOUND
from service.web.admin.permits import order_of
from service.web.admin.query import only, why_deleted
from service.web.admin.swaps import MODEL
from service.web.admin.version_record import iso_time
from service.web.jobs.data_head import WEIGHTS, DataHead
from service.web.jobs.data_intake import DataIntake
from service.web.jobs.noting import write_down
from service.web.process import WebProcess
from service.web.responses import json_response
from service.web.upload.receiver import Received
from service.web.upload.routes import received_by

DATA = f"{MODEL}/data"


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    settings = process.settings
    intake = DataIntake(settings)
    shelf = Shelf(settings.uploads_dir, settings.data_total_mb * MEBIBYTE)

    @app.post(DATA)
    def upload_data(model: str) -> Response:
        with received_by(intake) as (head, received):
            assert isinstance(head, DataHead)
            check_known(process, model)
            kept, is_new = _keep(shelf, head, received)
        if is_new:
            told = {"file": kept.file, "bytes": kept.bytes}
            write_down(process, model, "upload-data", order_of(head.why), told)
        return json_response(_record(kept), 201 if is_new else 200)

    @app.get(DATA)
    def list_data(model: str) -> Response:
        only()
        check_known(process, model)
        return json_response({"files": [_record(one) for one in shelf.files(model)]})

    @app.delete(f"{DATA}/<model_name:file>")
    def delete_data(model: str, file: str) -> Response:
        why = why_deleted()
        check_model_name(model)
        if not settings.model_control:
            raise Forbidden("Changing models over HTTP is switched off (model_control)")
        _check_unused(process, model, file)
        shelf.remove(model, file)
        write_down(process, model, "delete-data", order_of(why), {"file": file})
        return json_response({"model": model, "file": file, "deleted": True})


def check_known(process: WebProcess, model: str) -> None:
    """Raise ModelNotFound for a model that has no versions."""
    check_model_name(model)
    if not process.reloader.store.rows(model):
        raise ModelNotFound(model, wording="status")


def _keep(shelf: Shelf, head: DataHead, received: Received) -> tuple[DataFile, bool]:
    """Only the beginning is looked at here: what is in it is read by a child, when it is used."""
    ((name, path),) = received.files.items()
    with path.open("rb") as file:
        begin = file.read(HEAD_BYTES)
    if head.suffix not in WEIGHTS:
        tell_format(file_text(head.name), begin, head.suffix)
    elif not begin.startswith((HDF5_SIGNATURE, b"PK\x03\x04")):
        raise UploadRefused(f"{file_text(head.name)}: is neither HDF5 nor a .keras or .zip archive")
    digest = received.digests[name]
    told = DataFile(
        file=f"{digest}{head.suffix}",
        sha256=digest,
        bytes=path.stat().st_size,
        name=head.name,
        by=order_of().who,
        at=time.time(),
    )
    return shelf.put(head.model, path, told)


def _check_unused(process: WebProcess, model: str, file: str) -> None:
    """A job that has not begun to read it needs it."""
    for state in set(JobState) - ENDED:
        for job in process.jobs.find(model, state, limit=MOST_FOUND):
            if file in texts_in(job.request):
                raise Conflict(
                    f"Job {job.id}, which has not ended, reads the file; cancel it first"
                )


def _record(told: DataFile) -> Json:
    return {
        "file": told.file,
        "sha256": told.sha256,
        "bytes": told.bytes,
        "name": told.name,
        "by": told.by,
        "at": iso_time(told.at),
    }
