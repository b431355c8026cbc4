"""Proposals: changes suggested to whoever owns the field, by suppliers and by programs; accepted or refused on a page.

Accepting runs the owning noun's own action. Lower nouns know nothing of this: what can be proposed is in `subjects`.
"""
