"""Every error bisae raises on purpose; the CLI prints these without a traceback.

A class that builds its message keeps the parts under the names of its parameters, so
that the error can be made again in another process.
"""

LONGEST_REASON = 300
"""Characters that are shown of another library's message."""


def one_line(error: BaseException) -> str:
    """Return another library's message on one line, whole unless it is very long.

    Its first line is often a heading.
    """
    text = " ".join(str(error).split()).rstrip(". ") or repr(error)
    half = LONGEST_REASON // 2
    return text if len(text) <= 2 * half else f"{text[:half]} ... {text[-half:]}"


def with_location(error: BaseException, cause: BaseException | None = None) -> str:
    """Return an error and the addresses noted on it, or on the first cause with any."""
    notes = list[str]()
    source: BaseException | None = cause or error
    while source and not notes:
        notes = getattr(source, "__notes__", [])
        source = source.__context__
    where = [note for note in notes if note.removeprefix("at ") not in str(error)]
    return "; ".join([str(error), *where])


class BisaeError(Exception):
    """Something the user can fix."""

    exit_code = 1
    """1: a run or a check failed. 2: bad use, or a check that cannot run."""


class AssetMissing(BisaeError, FileNotFoundError):
    """A declarative file or folder is not where this install should have it."""


class SqlError(BisaeError, ValueError):
    """A query is wrong, or a .sql file breaks the conventions in sql/README.md."""

    exit_code = 2


class StudyError(BisaeError, ValueError):
    """A study file has an unknown key, a wrong value or a contradiction."""

    exit_code = 2


class AddressError(BisaeError, LookupError):
    """A size, step or layer is not in the study's grid."""

    exit_code = 2


class CorpusError(BisaeError, ValueError):
    """The text cannot be read, or is not what the study says."""


class CheckpointError(BisaeError, OSError):
    """A language model or tokenizer cannot be loaded, or does not fit the study."""


class UntrustedCode(CheckpointError):
    """A checkpoint brings Python code, which nobody allowed for this run."""

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint
        super().__init__(
            f"{checkpoint} brings Python code of its own, which bisae does not run: "
            "read that code, then allow it for this run with --trust-remote-code"
        )


class MachineError(CheckpointError):
    """This machine lacks what any checkpoint needs: a GPU, or a network."""


class AutoencoderError(BisaeError, ValueError):
    """Another project's autoencoder cannot be imported, or ours not exported."""


class StateError(BisaeError, ArithmeticError):
    """A hidden state is zero, NaN or infinite, so it has no direction."""


class TrainingError(BisaeError, ArithmeticError):
    """Training diverged."""


class CheckpointsFailed(BisaeError, RuntimeError):
    """Some checkpoints of a build failed; all others are built."""

    def __init__(self, reasons: dict[str, str], n: int, store: str) -> None:
        self.reasons, self.n, self.store = reasons, n, store
        failed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        count = f"{len(reasons)} of {n} checkpoints failed: " if n > 1 else ""
        super().__init__(f"{count}{failed}")


class Interrupted(BisaeError):
    """A signal ended a command, at a place from where the next run goes on."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        # What a shell gives for a command that the signal ended.
        self.exit_code = 128 + signal_number


class Stopped(BisaeError):
    """The user stopped a query."""

    exit_code = 130
    """What a shell gives for a command that Ctrl-C ended."""


class TimedOut(BisaeError, TimeoutError):
    """A query took longer than it may."""


class Crashed(BisaeError):
    """The process of a query died."""

    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__(
            f"the query's process died ({how}): if it needs much memory raise the "
            "memory limit (--memory), and let `bisae verify` look for damaged tables"
        )


class OutOfMemory(BisaeError, MemoryError):
    """The work does not fit the memory that there is."""


class StoreError(BisaeError, OSError):
    """The store is missing, foreign, of another version, or cannot be written."""


class Damaged(StoreError):
    """Data that are not what was written."""

    def __init__(self, where: str, reason: str, remedy: str) -> None:
        super().__init__(f"{where} cannot be read: {reason}; {remedy}")
        self.where = where
        self.reason = reason
        self.remedy = remedy


class LeaseHeld(StoreError):
    """Somebody else is building this now."""


class LeaseLost(StoreError):
    """Somebody else took over what this process was building: it slept too long."""


class Unfinished(BisaeError, LookupError):
    """A cell, a split or a table is asked for before it is finished."""


class CheckError(BisaeError, RuntimeError):
    """A check could not run; says nothing about the data."""

    exit_code = 2


class FigureError(BisaeError, LookupError):
    """A figure, or a column or value to select its rows by, does not exist."""

    exit_code = 2


class AddressInUse(BisaeError, OSError):
    """Another program listens where the feature browser should."""

    exit_code = 2


class CompareError(BisaeError, ValueError):
    """Stores that cannot be compared: they are no replicates of each other."""

    exit_code = 2


class CheckFailed(BisaeError, AssertionError):
    """A check ran and failed: the data are not what they should be."""
