"""Jobs in suppliers' CRMs: what a record is in all of them, and how theirs and our clients are kept alike."""
