"""Any CRM with a JSON API, as its owner describes it."""
