# SPDX-License-Identifier: MIT
"""What stands in for the package rococo where it is not installed: messaging and config, as far as processors use them."""
