"""Why a process or task cannot run, where the answer is for whoever runs the program and not for a traceback."""


class CannotRun(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """The text says why, and what to do."""


class EngineFailed(CannotRun):
    """An embedded engine could not be prepared or started."""


class PortTaken(EngineFailed):
    """Another program took the engine's port between the look and the start."""


class MigrationRefused(CannotRun):
    """The database was left as it was."""


class PartFailed(CannotRun):
    """A process that the supervisor keeps does not come up."""
