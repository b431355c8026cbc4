"""Microsoft Teams: a channel for each wedding, made by Microsoft Graph; its messages go by its workflow."""
