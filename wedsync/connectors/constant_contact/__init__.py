"""Constant Contact: clients who agreed to it are kept in a list, with tags that automations begin with."""
