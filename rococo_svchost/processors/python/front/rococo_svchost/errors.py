# SPDX-License-Identifier: MIT
"""What a processor raises to say what should become of its message."""

from __future__ import annotations

import datetime
from typing import Union

_LONGEST_DELAY_S = 10 * 365 * 86_400.0


class PermanentError(Exception):
    """The message can never be processed: it becomes a dead letter at once, with this text as the reason."""


class RetryAfter(Exception):
    """Process the message again after a delay; it counts as an attempt.

    `delay` is seconds or a `timedelta`, from 0 to ten years; anything else raises ValueError. `reason` goes into the log.
    """

    def __init__(self, delay: Union[float, datetime.timedelta], reason: str = "") -> None:
        seconds = delay.total_seconds() if isinstance(delay, datetime.timedelta) else float(delay)
        if not 0 <= seconds <= _LONGEST_DELAY_S:
            raise ValueError(f"RetryAfter({delay!r}): a delay is 0 seconds to ten years")
        super().__init__(reason or f"again after {seconds:g} s")
        self.delay = seconds
        """Seconds until the next attempt, at least."""


class SendError(Exception):
    """The broker has not confirmed a message that was sent. It may have been sent all the same."""
