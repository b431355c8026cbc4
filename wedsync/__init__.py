"""The whole product: one package, floor upon floor; see docs/index.md."""
