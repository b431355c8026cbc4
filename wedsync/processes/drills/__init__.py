"""Drills: a whole Saturday played through the product's own doors, and what it takes to act and to listen there."""
