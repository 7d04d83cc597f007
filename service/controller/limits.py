"""How much is compiled at once, and within which limits."""

from dataclasses import dataclass, field

from service.base.confinement import Limits
from service.base.load_options import LoadOptions


@dataclass(frozen=True, slots=True)
class ControllerLimits:
    """How much the controller does at once and how long it waits; times in seconds.

    `custom` is what the settings say of custom classes; `tensorflow` says whether it is installed.
    """

    settle_s: float
    jobs: int
    timeout_s: float
    child: Limits
    warm_up_s: float = 120
    custom: LoadOptions = field(default_factory=LoadOptions)
    tensorflow: bool = True
