"""Names that `model.yaml` gives to versions, as a path may ask for them."""

from service.base.errors import LabelUnknown, ModelNotFound
from service.web.exchange import Facts


def check_label(facts: Facts, label: str) -> None:
    """Refuse a label of another version than this one, or of none."""
    version = facts.config.version_labels.get(label)
    if version is None:
        raise LabelUnknown(label)
    if version != facts.identity.version:
        raise ModelNotFound(facts.identity.model, version)
