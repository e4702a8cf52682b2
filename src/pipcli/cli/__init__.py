"""The command line: the only place where a task's pieces are put together."""
