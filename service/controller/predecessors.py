"""What a controller finds READY by the one before it, and goes on with until it has looked anew.

Where compiled versions are shared over an address, such a form may have to be fetched first; the
version goes on meanwhile, for whoever serves it fetches it as well.
"""

from dataclasses import dataclass
from pathlib import Path

from service.base.compiled import read_compiled
from service.base.refusals import ArtefactCorrupt
from service.controller.sharing import Sharing
from service.controller.tracked import Tracked
from service.controller.workshop import Workshop
from service.repository.states import State, VersionRow


@dataclass(frozen=True, slots=True)
class Predecessors:
    """Earlier forms of versions, in the folder of compiled versions or on their way to it."""

    compiled_dir: Path
    workshop: Workshop

    def take_over(self, row: VersionRow, is_shared: bool) -> Tracked | None:
        """A version that was READY; none if nothing here can answer for it."""
        tracked = Tracked(row.model, row.version, config=row.config, recorded=row.artefact)
        if not self._take(tracked) and not is_shared:
            return None
        return tracked if tracked.recorded or tracked.predecessor is not None else None

    def bring(self, tracked: Tracked, sharing: Sharing) -> None:
        """Have the recorded form here. One that is nowhere holds up no failure of the files."""
        if not tracked.recorded or sharing.must_wait(tracked.recorded):
            return
        is_hopeless = tracked.state is State.FAILED and sharing.is_nowhere(tracked.recorded)
        if not self._take(tracked) and is_hopeless:
            tracked.recorded = ""

    def _take(self, tracked: Tracked) -> bool:
        """Serve the recorded form if it can be run here; false if it isn't here."""
        try:
            compiled = read_compiled(self.compiled_dir / tracked.recorded)
        except ArtefactCorrupt:
            return False
        tracked.recorded = ""
        if not self.workshop.why_not_run(compiled):
            tracked.predecessor = compiled
        return True
