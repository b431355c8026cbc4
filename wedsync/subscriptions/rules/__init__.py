"""Rules: which events go to which endpoint, in which lane and shape; how that is decided, tried and explained."""
