"""Photo deliveries: what a photographer or film maker promised to hand over, how far it is, and where it can be seen.

One link's: that supplier moves it on, the couple sees it and notes that they have looked; nobody else knows of it.
"""
