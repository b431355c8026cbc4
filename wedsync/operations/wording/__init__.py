"""The operator's doors to the words of notices; what they do stands in `wedsync/notices/wording`."""
