"""The errors inrfit raises on purpose; anything else that escapes is a defect of inrfit.

InrfitError                 exit code 1
├── ConfigError             2   an option or value that cannot work
│   ├── DeviceError         2   the device asked for is not there
│   └── PluginError         2   a package that adds names to inrfit and cannot be used
├── InputError              1   a file that cannot be read as a signal
├── FitError                1   a fit that went wrong, for example diverged
├── OutputError             1   a result that cannot be written
├── ContainerError          1   a `.inr` file that is damaged or not one
└── Interrupted           130   stopped by the user, 143 by the system; work is kept in a checkpoint
"""

from __future__ import annotations


class InrfitError(Exception):
    """One clear line for the user, and one line on how to mend it.

    Args:
        message: what went wrong, naming the file or option, the value seen and the values allowed.
        hint: the command or change that mends it.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """Name of the error as it appears in JSON output, for example `InputError`."""
        return type(self).__name__


class ConfigError(InrfitError):
    """An option or a combination of options that cannot work."""

    exit_code = 2


class DeviceError(ConfigError):
    """The device asked for is not available."""


class PluginError(ConfigError):
    """A package or module that adds names to inrfit cannot be used; what is wrong lies there."""


class InputError(InrfitError):
    """A file or array that cannot be read as a signal."""


class FitError(InrfitError):
    """A fit that cannot be completed."""


class OutputError(InrfitError):
    """A result that cannot be written where or how it was asked for."""


class ContainerError(InrfitError):
    """A `.inr` file that is damaged, truncated, too new or not a `.inr` file at all."""


class SlowWarning(UserWarning):
    """What is asked for works, but not the fast way."""


class Interrupted(InrfitError):
    """The user stopped the work; what was done is kept in a checkpoint where there is one."""

    exit_code = 130


def require(condition: bool, message: str, *, hint: str | None = None) -> None:
    """Raise a ConfigError with `message` unless `condition` holds."""
    if not condition:
        raise ConfigError(message, hint=hint)
