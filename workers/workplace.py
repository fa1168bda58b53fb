"""What one worker process works with: services, the predictor where its role needs it, nudges."""

from __future__ import annotations

import faulthandler
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from screener.domain.errors import TransientError
from screener.domain.stage import ROLE_OF, Role, StageName
from screener.pipeline.drive import Runner, Stage, delivery_stages, intake_stages, scoring_stages
from screener.pipeline.due import archives_due, standing
from screener.pipeline.ports import Predictor, Services
from screener.telemetry.logging import get_logger
from workers.nudge import Nudger

_STANDARD_ERROR = 2


class Workplace:
    """Runs the stages of one role, one at a time, and nudges whoever comes next.

    Parameters
    ----------
    load_predictor
        Called once for the scoring role, in the process that scores.
    on_work
        Called after a stage that found something to do.
    """

    def __init__(
        self,
        services: Services,
        role: Role,
        nudger: Nudger,
        *,
        load_predictor: Callable[[], Predictor],
        on_work: Callable[[], None] = lambda: None,
    ) -> None:
        self._services = services
        self._nudger = nudger
        self._runner = Runner(on_work)
        self._stages: Mapping[StageName, Stage] = {}
        self._role = role
        if role is Role.SCORING:
            self._stages = {s.name: s for s in scoring_stages(services, load_predictor())}
        elif role is Role.INTAKE:
            self._stages = {s.name: s for s in intake_stages(services)}

    @property
    def names(self) -> tuple[StageName, ...]:
        """The stages that are run here."""
        return tuple(name for name, role in ROLE_OF.items() if role is self._role)

    def run(self, name: StageName) -> int:
        """Run a stage; after its commit, nudge the workers of whatever is due now.

        Returns
        -------
        int
            How many rows it claimed; 0 where somebody else was quicker.
        """
        try:
            stage = self._stage(name)
        except TransientError as error:
            get_logger().warning("stage_failed", stage=name.value, code=error.code)
            return 0
        done = self._runner.run(stage) if stage is not None else 0
        if done:
            self._nudge()
        return done

    def _nudge(self) -> None:
        """Nudge workers to do what is due now; where that cannot be asked, the beat asks again."""
        try:
            self._nudger.nudge(standing(self._services))
        except TransientError as error:
            get_logger().warning("nudging_failed", code=error.code)

    def _stage(self, name: StageName) -> Stage | None:
        """Return a stage; of one that talks to archives, that of an archive where it is due."""
        if self._role is not Role.DELIVERY:
            return self._stages[name]
        due = archives_due(self._services, name)
        if not due:
            return None
        # by chance, so that two workers that are nudged together go to two archives
        archive = random.choice(due)  # noqa: S311 - nothing secret
        return next(s for s in delivery_stages(self._services, archive) if s.name is name)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End this process where what is done here takes longer: whoever started it starts it again.

    Holds in a library that never gives Python its turn, too; the places where each thread stood
    go to standard error. What was claimed comes up again when its lease expires.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=_STANDARD_ERROR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
