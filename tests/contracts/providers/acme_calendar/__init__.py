"""A connector of tests."""
