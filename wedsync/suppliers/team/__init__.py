"""The team of a business: owners and admins see every wedding of it, members those they are assigned to.

Who joins does so by mail, as everybody signs in; who leaves is out at once, on open sockets too.
"""
