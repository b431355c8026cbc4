"""What acknowledgements do because of facts: tell the portfolio that something waits, or no longer does."""

from wedsync.acknowledgements import model
from wedsync.suppliers import reactions as suppliers

REACTIONS = (suppliers.index_follows(model.OPENED.type, model.GIVEN.type),)
