"""How tasks are carried out on files; torch loads inside `run`."""
