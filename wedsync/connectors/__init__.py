"""Connectors, one folder each and strangers to each other: delete a folder and only that provider is gone."""
