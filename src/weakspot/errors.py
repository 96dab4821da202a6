"""What can go wrong, as a tree; each kind carries a hint, an exit code and whether trying again can help.

    WeakspotError                  1
    ├── UsageError                 2   the command line or a call's arguments
    ├── UnknownModel               3   a model reference that names nothing
    ├── CorruptFile                4   a model file that is damaged, cut short or of another kind
    ├── HashMismatch               5   a fetched file is not the published one
    ├── FetchFailed                6   no network, no such package        (retryable)
    ├── LicenceNotAccepted         7
    ├── ProbeError                 8   a probe file, said line by line
    ├── DiskFull                   9
    ├── NotARun                   10   no run folder, or a damaged one
    ├── RunSchemaMismatch         11   written by another schema version
    ├── RunInUse                  12   another process is writing to it   (retryable)
    ├── MissingExtra              13   says what to install
    ├── ModelChanged              14   a resumed run's model is not the one it began with
    ├── UnknownTokenizer          15   a tokenizer reference that names nothing, or a file of an unknown kind
    ├── ImportFailed              16   another tool's file that can't be taken over
    ├── TrainingDiverged          17   a training whose loss is no number any more
    ├── ModelError                20   a backend or an endpoint
    │   ├── AuthenticationFailed  21   401, 403
    │   ├── EndpointNotFound      22   404
    │   ├── RateLimited           23   429                                (retryable)
    │   ├── ServerFailed          24   5xx                                (retryable)
    │   ├── BadReply              25   HTML, half a JSON, nothing         (retryable)
    │   ├── Unreachable           26   refused, reset, timed out          (retryable)
    │   ├── ContextExceeded       27   the prompt is longer than the context
    │   └── RequestRejected       28   400: this request, not the endpoint, is at fault
    └── Interrupted              130   Ctrl-C; says how to resume

It does not know how errors are shown: that is the face's business (`weakspot.cli`).
"""

from typing import ClassVar


class WeakspotError(Exception):
    """Base of every error that Weakspot raises on purpose.

    Args:
        message: one clear sentence about what is wrong.
        hint: what to do about it; may be empty.
    """

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """The kind's name, as it stands in records."""
        return type(self).__name__


class UsageError(WeakspotError):
    """The command line, or a call's arguments, make no sense."""

    exit_code = 2


class UnknownModel(WeakspotError):
    """A model reference names nothing that can be found."""

    exit_code = 3


class CorruptFile(WeakspotError):
    """A file is damaged, cut short or not of the kind its name says."""

    exit_code = 4


class HashMismatch(WeakspotError):
    """A fetched file's sha256 is not the published one; it was not kept."""

    exit_code = 5


class FetchFailed(WeakspotError):
    """A file could not be fetched."""

    exit_code = 6
    retryable = True


class LicenceNotAccepted(WeakspotError):
    """The model's terms were not accepted."""

    exit_code = 7


class ProbeError(WeakspotError):
    """A probe file is wrong; `problems` says where, line by line."""

    exit_code = 8

    def __init__(self, message: str, *, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class DiskFull(WeakspotError):
    """No room is left; what was written before is kept."""

    exit_code = 9


class NotARun(WeakspotError):
    """A folder holds no run, or a damaged one."""

    exit_code = 10


class RunSchemaMismatch(WeakspotError):
    """A run was written with another version of the schema."""

    exit_code = 11


class RunInUse(WeakspotError):
    """Another process is writing to this run."""

    exit_code = 12
    retryable = True


class MissingExtra(WeakspotError):
    """A part needs a package that the base install leaves out."""

    exit_code = 13


class ModelChanged(WeakspotError):
    """The model behind a candidate is not the one that the run began with."""

    exit_code = 14


class UnknownTokenizer(WeakspotError):
    """A tokenizer reference names nothing that can be found, or a file is no tokenizer that can be read."""

    exit_code = 15


class ImportFailed(WeakspotError):
    """Another tool's file is damaged, unsafe, of an unknown kind, or asks for something that is not supported."""

    exit_code = 16


class TrainingDiverged(WeakspotError):
    """A training's loss is no number any more; nothing of it is kept."""

    exit_code = 17


class ModelError(WeakspotError):
    """A backend or an endpoint failed."""

    exit_code = 20

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class AuthenticationFailed(ModelError):
    """The endpoint refuses the key (401, 403)."""

    exit_code = 21


class EndpointNotFound(ModelError):
    """Nothing answers under this path or model name (404)."""

    exit_code = 22


class RateLimited(ModelError):
    """The endpoint asks to slow down (429)."""

    exit_code = 23
    retryable = True


class ServerFailed(ModelError):
    """The endpoint failed on its side (5xx)."""

    exit_code = 24
    retryable = True


class BadReply(ModelError):
    """The endpoint answered with something that is not a completion."""

    exit_code = 25
    retryable = True


class Unreachable(ModelError):
    """The endpoint could not be reached in time."""

    exit_code = 26
    retryable = True


class ContextExceeded(ModelError):
    """The prompt is longer than the model's context."""

    exit_code = 27


class RequestRejected(ModelError):
    """This one request was rejected (400); others may pass."""

    exit_code = 28


class Interrupted(WeakspotError):
    """The user stopped the work; what is done is kept."""

    exit_code = 130
