"""Forms: a supplier's questionnaires, what it asks a couple with them, and the answers, private to that link.

What the record holds already is filled in and only confirmed; what is answered otherwise goes back into it once.
"""
