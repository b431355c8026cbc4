"""Marketing: a supplier's clients who agreed to it are kept in step with a list at Mailchimp or Constant Contact."""
