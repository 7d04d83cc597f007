"""Whether a batch prediction can be begun: is its version READY, and do its paths lie in the data
folder? What is in the files is for the job to find out.
"""

from service.base.errors import RequestInvalid
from service.base.http_errors import Conflict
from service.base.strict_json import Json
from service.data.inside import existing, writable
from service.recipe.batch import BatchPredictRequest
from service.repository.states import VersionRow
from service.web.jobs.subject import find_subject
from service.web.process import WebProcess


def check_batch(process: WebProcess, rows: list[VersionRow], asked: BatchPredictRequest) -> Json:
    """What was found. Raises RequestInvalid, Conflict, DataRefused."""
    folder = process.settings.data_dir
    if folder is None:
        raise RequestInvalid("input: there is no data folder (setting data_dir)")
    if asked.shard is not None and not asked.run:
        raise RequestInvalid("run: expected a name that the jobs of all shards have in common")
    subject = find_subject(process, rows, asked.version, None)
    source, target = existing(folder, asked.input), writable(folder, asked.output)
    inside = target.is_relative_to(source) or source.is_relative_to(target)
    if source == target or (source.is_dir() and inside):
        raise Conflict("output: it lies in the input, or around it; name another folder")
    return {"version": subject.version, "is_folder": source.is_dir()}
