"""Labels are kept, each once, and counted in the same transaction: both are there or neither is.

Who holds the row of a version is alone with its feedback. A label that comes again changes nothing,
so that whoever got no answer may send everything once more.
"""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

import sqlalchemy as sa

from service.base.database import durable
from service.quality.feedback import Labelled
from service.quality.ledger import Ledger, RowKey, Said, gather
from service.quality.outcomes import Outcome
from service.quality.predicted import Answer
from service.quality.store_entries import enter_sums, count_outcomes
from service.quality.store_tables import feedback, forgotten
from service.quality.store_upsert import Insert, upsert
from service.quality.store_versions import ScoredVersions
