"""The caps every mail is read under (channels.md 3.1): beyond them it is shown in part or not at all, never late."""

RAW_BYTES = 50 * 1024 * 1024
HEADER_BYTES = 256 * 1024
PARTS = 200
DEPTH = 10
ADDRESSES = 500
HTML_CHARACTERS = 2_000_000
TEXT_CHARACTERS = 2_000_000

# What one mail may say in places where no real mail comes near these figures.
REFERENCES = 100
SUBJECT_CHARACTERS = 1000
NAME_CHARACTERS = 200
REASON_CHARACTERS = 500
PARAMETER_BYTES = 4096

CPU_SECONDS = 10
WALL_SECONDS = 30
MEMORY_BYTES = 512 * 1024 * 1024
OPEN_FILES = 24
