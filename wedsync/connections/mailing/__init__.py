"""Mail through several providers behind one connector name: who sends, who stands in, what became of it, to whom not.

A delivery owed to `mail` goes through the chain of providers that the operator has set, in its order. With one of them
it is as if there were no chain.
"""
