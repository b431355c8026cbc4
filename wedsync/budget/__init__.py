"""Budget: what the couple expects to pay, has agreed to and has paid, in the minor units of each currency.

Scope budget cannot be granted to a link: no supplier reaches any of this.
"""
