"""Setting a business up in six steps, each of which can be left and taken up again, or skipped.

The steps do what the pages of their nouns do, through the same actions; kept is only what nothing else tells.
"""
