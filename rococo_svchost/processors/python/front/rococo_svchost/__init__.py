# SPDX-License-Identifier: MIT
"""What a processor written in Python may use of svchost.

    from rococo_svchost import PermanentError, RetryAfter, SendError, context

    class OrderProcessor(BaseServiceProcessor):
        def process(self, message):
            if "id" not in message:
                raise PermanentError("an order without id")
            context.send_message("invoices", {"order": message["id"]})

Returning acknowledges the message, whatever is returned. A class with `process_batch(self, messages)` gets several at once. Nothing
here needs a package from elsewhere, and importing it is cheap.
"""

from .context import Context, Headers, Metadata, context
from .errors import PermanentError, RetryAfter, SendError

__all__ = ["Context", "Headers", "Metadata", "PermanentError", "RetryAfter", "SendError", "context"]
