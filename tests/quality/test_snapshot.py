"""What is read in one go is of one moment, on either database."""

import sqlalchemy as sa

from service.base.database import snapshot
from service.quality.store import QualityStore
from service.quality.store_tables import feedback_counts
from tests.quality.rows import NOON, labelled


def test_queries_see_the_database_as_the_first_of_them_does(engine: sa.Engine) -> None:
    store = QualityStore(engine, "/models")
    store.record_feedback("m", [labelled("a", 3, 1)], NOON)
    rows = sa.select(sa.func.sum(feedback_counts.c.first))

    with snapshot(engine) as connection:
        before = connection.execute(rows).scalar()
        store.record_feedback("m", [labelled("b", 3, 1)], NOON)
        meanwhile = connection.execute(rows).scalar()

    with snapshot(engine) as connection:
        assert (before, meanwhile, connection.execute(rows).scalar()) == (1, 1, 2)
