"""A look of `homemon check` in a thread of its own, so that one that hangs keeps none from being reported."""

from collections.abc import Callable, Iterator
from threading import Thread
from typing import NamedTuple

from homemon.check.findings import Aside, Finding, failed, fault
from homemon.core.errors import HomemonError, StoreError

WITHIN = 18.0  # seconds; a silent module takes 8, one whose meter is silent 15


class Look(NamedTuple):
    """What is looked at, and how; `look` may raise HomemonError, which becomes a fault."""

    what: str
    look: Callable[[Aside], Iterator[Finding]]


class Looking:
    """One look in its thread, which ends with the process at the latest."""

    def __init__(self, look: Look, app: Aside) -> None:
        self._look = look
        self._app = app
        self._findings: list[Finding] = []
        self._unexpected: BaseException | None = None
        self._thread = Thread(target=self._run, name=look.what, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for finding in self._look.look(self._app):
                self._findings.append(finding)
        except StoreError as error:
            repair = error.hint if self._look.what == "store" else "Repair the store first"
            self._findings.append(fault(self._look.what, str(error), repair))
        except HomemonError as error:
            self._findings.append(failed(self._look.what, error))
        except BaseException as error:  # a mistake of ours: the caller's to report
            self._unexpected = error
        finally:
            self._app.close()

    def result(self, within: float) -> list[Finding]:
        """Return what was found, once the look is over or `within` seconds are."""
        self._thread.join(within)
        findings = list(self._findings)
        if self._unexpected is not None:
            raise self._unexpected
        if self._thread.is_alive():
            findings.append(
                fault(
                    self._look.what,
                    f"no result within {WITHIN:g} s",
                    "What it waits for may hang: a name server, a disk, the module; see dmesg",
                )
            )
        return findings
