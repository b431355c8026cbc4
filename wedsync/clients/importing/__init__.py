"""Lists of clients from any CRM: bytes to rows, rows to clients, clients against those that are there.

In order: `guests.importing.sheet.read_sheet` -> `guessing.detect` -> `plan.read` -> `merge.merge` ->
`actions.bring_in`.
"""
