"""Guest lists from anywhere: bytes to rows, rows to a plan, a plan against what is there. Pure; no I/O.

In order: `sheet.read_sheet` -> `detect.detect` -> `plan.build_plan` -> `merge.merge`; `export` is the way back.
"""
