"""People whose data comes from a file: read, looked at, confirmed, then received by the worker."""
