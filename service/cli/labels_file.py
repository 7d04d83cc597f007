"""A file of true labels, as the command line sends it: rows that can't be read stay here."""

from pathlib import Path

from service.base.errors import RequestInvalid
from service.base.refusals import FileBroken
from service.client import Client
from service.client_quality import Feedback, RefusedLabel
from service.quality.outcomes import Outcome
from service.web.feedback.sent import Sent, read_csv, read_ndjson, read_object

MOST = 100_000_000
LINES = (".ndjson", ".jsonl")


def read_labels(source: Path) -> Sent:
    """The rows of a file, by its suffix. Raises FileBroken."""
    try:
        content = source.read_bytes().removeprefix(b"\xef\xbb\xbf")
        if source.suffix in LINES:
            return read_ndjson(content, MOST)
        if source.suffix == ".json":
            return _read_json(content)
        return read_csv(content, MOST)
    except (OSError, RequestInvalid) as error:
        raise FileBroken(source.name, f"can't be read as labels: {error}") from error


def send_labels(client: Client, model: str, sent: Sent) -> Feedback:
    """Send what can be sent; rows are numbered as in the file."""
    places = [row for row in range(len(sent.claims)) if row not in sent.faults]
    done = client.feedback(model, ((sent.claims[row].id, sent.claims[row].label) for row in places))
    refused = [RefusedLabel(places[one.row], one.reason, one.text) for one in done.refused]
    refused += [RefusedLabel(row, Outcome.MALFORMED, why) for row, why in sent.faults.items()]
    outcomes = dict(done.outcomes)
    if sent.faults:
        malformed = outcomes.get(Outcome.MALFORMED, 0)
        outcomes[str(Outcome.MALFORMED)] = malformed + len(sent.faults)
    refused.sort(key=lambda one: one.row)
    return Feedback(len(sent.claims), done.kept, outcomes, tuple(refused))


def _read_json(content: bytes) -> Sent:
    """A request's body, or its list of rows alone."""
    is_list = content.lstrip().startswith(b"[")
    record = read_object(b'{"feedback": %b}' % content if is_list else content)
    rows = record.get("feedback")
    if not isinstance(rows, list):
        raise RequestInvalid("expected a list of rows, or an object with it under feedback")
    sent = Sent()
    for row in rows:
        sent.add(row)
    return sent
