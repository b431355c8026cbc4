"""What the platform promises, how fast it uses up what it may miss, and whom it tells what is at risk."""
