"""What a file may be. Above it a file is refused as a whole, with the limit named."""

MAX_BYTES = 100 * 1024 * 1024
MAX_ROWS = 1_000_000
MAX_COLUMNS = 500
MAX_LINE = 1_000_000  # characters
MAX_CELL = 100_000  # characters
MAX_LINES_IN_RECORD = 100  # a quote that is still open after so many lines was never closed
# A workbook is a zip archive: what it may unfold to, and how far it may be packed.
MAX_UNPACKED = 2 * 1024 * 1024 * 1024
MAX_SHARED_STRINGS = 200 * 1024 * 1024
MAX_RATIO = 200
MAX_PARTS = 2_000
CHUNK_ROWS = 1_000
