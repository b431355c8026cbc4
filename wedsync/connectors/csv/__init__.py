"""A list of clients as CSV or XLSX at an address, read on a schedule."""
