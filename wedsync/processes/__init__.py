"""Where everything is put together: one module per process, and the command line."""
