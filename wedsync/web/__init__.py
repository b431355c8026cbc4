"""The toolkit of pages and API: context, authentication, problems, rendering."""
