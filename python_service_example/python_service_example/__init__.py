"""A service that logs each message that it receives."""
