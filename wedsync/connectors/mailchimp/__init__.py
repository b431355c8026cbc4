"""Mailchimp: clients who agreed to it are kept in an audience, with tags, journeys and templates."""
