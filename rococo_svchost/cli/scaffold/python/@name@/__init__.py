"""The service: `processor` has the class that svchost finds."""
