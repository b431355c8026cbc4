"""VSCO Workspace, formerly Táve: a photographer's jobs and their clients, over its API v2."""
