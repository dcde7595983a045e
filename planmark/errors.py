"""Every error a person may meet says what, where, got, expected and the next step."""

from __future__ import annotations


class PlanmarkError(Exception):
    """A fault that a person must act on.

    `what` is one plain sentence. `where` names the dataset, file or step. `got` and `expected` are what was
    found and what is allowed. `next_step` is the command to run or the page to read. Keys and passwords must
    be removed before they come here.
    """

    def __init__(
        self, what: str, *, where: str = "", got: object = None, expected: object = None, next_step: str = ""
    ) -> None:
        self.what = what
        self.where = where
        self.got = got
        self.expected = expected
        self.next_step = next_step
        super().__init__(self.render())

    def render(self) -> str:
        """Return the message as it is shown: one fact a line, empty facts left out."""
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.got is not None:
            lines.append(f"  got:      {self.got}")
        if self.expected is not None:
            lines.append(f"  expected: {self.expected}")
        if self.next_step:
            lines.append(f"  next:     {self.next_step}")
        return "\n".join(lines)


class SettingsError(PlanmarkError):
    """A setting is missing, unknown or not allowed."""


class DatabaseError(PlanmarkError):
    """The database cannot be reached, or is not ours."""


class DefinitionError(PlanmarkError):
    """A catalogue file is wrong. `what` holds every fault, one a line."""


class RegistryError(PlanmarkError):
    """The plan files are wrong or missing. `what` holds every fault, one a line."""


class FetchError(PlanmarkError):
    """The provider could not be asked, or gave no usable answer, after every retry."""


class RefusedError(PlanmarkError):
    """An answer came and failed an acceptance check; nothing of it was loaded."""


class ArchiveError(PlanmarkError):
    """Raw bytes could not be kept or no longer match their checksum."""


class LoadError(PlanmarkError):
    """The merge into the history did not add up, and was rolled back."""


class TransformError(PlanmarkError):
    """dbt failed."""


class GateError(PlanmarkError):
    """A check of severity `fail` did not hold; nothing was published."""


class PublicationError(PlanmarkError):
    """A publication could not be made, found or rolled back."""
