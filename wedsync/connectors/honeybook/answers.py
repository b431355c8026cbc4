"""What HoneyBook's answers mean in the words of the contract."""

from typing import Final

from wedsync.connections.records.answers import Answers

ANSWERS: Final = Answers("HoneyBook", "projects")
read, wrote = ANSWERS.read, ANSWERS.wrote
