"""Reading mail: pure functions from raw bytes to plain structs, without Django, run in a limited child process."""
