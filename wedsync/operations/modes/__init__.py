"""The platform's modes: what does not work for a while, said by an operator, shown and told in plain words."""
