"""Django's SQLite, with the writers of a process in line: `base` is the backend, `turns` the line."""
