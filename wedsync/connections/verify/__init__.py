"""Is this request from whom it says it is: the schemes of providers, as pure functions of what arrived and the secrets.

`scheme.verify` is the way in. A scheme raises `Unverified` with a reason that is safe to log; whatever else goes wrong
inside of one counts as refused too, because the bytes it reads were written by anybody.
"""
