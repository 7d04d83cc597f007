"""From the answer of a prediction to the count of its label, over a real database."""

import numpy as np
import pytest
import sqlalchemy as sa

from service.quality.feedback import Claim, Terms
from service.quality.intake import Intake
from service.quality.outcomes import Outcome
from service.quality.predicted import Kind, Shape, pack_classes, pack_sets, pack_values
from service.quality.receipt import Receipts
from service.quality.store import QualityStore
from tests.quality.keys import MODELS, NOW, Clock, KeyList, receipts_of

AT = int(NOW * 1000)
NAMES = ("benign", "malignant")
TWO = Shape(Kind.CLASSES, 2)
ACCEPTED, DUPLICATE = Outcome.ACCEPTED, Outcome.DUPLICATE


class Service:
    """What one worker has."""

    def __init__(self, engine: sa.Engine, receipts: Receipts) -> None:
        self.store = QualityStore(engine, MODELS)
        self.receipts = receipts
        self.intake = Intake(receipts, self.store)

    def predict(self, *classes: int, model: str = "m") -> str:
        issued = self.receipts.issuer(model, 1, TWO).issue(decided(*classes), len(classes))
        assert issued is not None
        if issued.recorded is not None:
            self.store.record_predictions(model, [issued.recorded])
        return issued.id

    def take(self, *claims: tuple[str, object]) -> list[Outcome]:
        terms = Terms("m", lambda _: NAMES, AT - 86_400_000)
        return self.intake.take(terms, [Claim(*claim) for claim in claims], AT)


def decided(*classes: int) -> bytes:
    return pack_classes(2, np.array(classes), np.full(len(classes), 0.9))


@pytest.fixture
def service(engine: sa.Engine) -> Service:
    return Service(engine, receipts_of(KeyList("0a1b2c3d"), Clock()))


def test_predictions_here_and_labels_there(engine: sa.Engine) -> None:
    """Two workers, which share the database and nothing else."""
    source = KeyList("0a1b2c3d")
    here = Service(engine, receipts_of(source, Clock()))
    there = Service(engine, receipts_of(source, Clock()))
    one, few, many = here.predict(0), here.predict(0, 1, 1), here.predict(*[1] * 50)

    told = there.take(
        (one, "malignant"), (f"{few}/0", "benign"), (f"{few}/2", 0), (f"{many}/49", 1),
        (one, "malignant"), ("order-7", 1), (one + "A", 1),
    )  # fmt: skip

    assert told == [ACCEPTED] * 4 + [DUPLICATE, Outcome.UNKNOWN_ID, Outcome.MALFORMED]
    assert here.store.matrix("m", 1).tolist() == [[1, 1], [1, 1]]
    assert here.store.counters().outcomes == {
        ("m", ACCEPTED): 4, ("m", DUPLICATE): 1,
        ("m", Outcome.UNKNOWN_ID): 1, ("m", Outcome.MALFORMED): 1,
    }  # fmt: skip


def test_a_replayed_request_changes_nothing(service: Service) -> None:
    few = service.predict(0, 1, 1)
    request = [(f"{few}/{row}", "benign") for row in range(3)]
    service.take(*request)
    before = service.store.readings()

    assert service.take(*request, *request) == [DUPLICATE] * 6
    assert service.store.readings() == before


def test_a_clients_own_id(service: Service) -> None:
    issuer = service.receipts.issuer("m", 1, TWO)
    service.store.record_predictions("m", [issuer.take("order-7", decided(0, 1), 2)])

    assert service.take(("order-7/1", "malignant"), ("order-7", 0), ("order-7/2", 0)) == [
        ACCEPTED, Outcome.ROW_OUT_OF_RANGE, Outcome.ROW_OUT_OF_RANGE,
    ]  # fmt: skip


def test_numbers_and_sets(service: Service) -> None:
    number = service.receipts.issuer("m", 2, Shape(Kind.VALUES, 1))
    labels = service.receipts.issuer("m", 3, Shape(Kind.SETS, 2))
    first = number.issue(pack_values(np.array([[2.5]])), 1)
    second = labels.issue(pack_sets(np.array([[1, 0]])), 1)
    assert first is not None
    assert second is not None

    assert service.take((first.id, 2), (second.id, ["malignant", "benign"]), (first.id, "?")) == [
        ACCEPTED, ACCEPTED, Outcome.NOT_A_NUMBER,
    ]  # fmt: skip
    numbers, sets = service.store.readings()
    assert (numbers.numbers().absolute, sets.sets().false_negatives.tolist()) == (0.5, [0, 1])


def test_a_person_is_deleted_by_ids(service: Service) -> None:
    one, few, foreign = service.predict(0), service.predict(0, 1), service.predict(0, model="n")
    issuer = service.receipts.issuer("m", 1, TWO)
    service.store.record_predictions("m", [issuer.take("order-7", decided(1), 1)])
    everything = [(one, 0), (f"{few}/0", 0), (f"{few}/1", 0), ("order-7", 1)]
    service.take(*everything)

    meant = service.intake.identify("m", [f"{few}/1", "order-7", foreign, "no id", "never"])

    assert service.store.forget("m", meant.ids, AT) == 3
    assert meant.refused == {foreign: Outcome.OTHER_MODEL, "no id": Outcome.MALFORMED}
    assert service.take(*everything) == [
        DUPLICATE, Outcome.UNKNOWN_ID, Outcome.UNKNOWN_ID, Outcome.UNKNOWN_ID,
    ]  # fmt: skip
    assert service.store.matrix("m", 1).tolist() == [[1, 0], [0, 0]]
