"""What must be so of the data whatever happened: asked in depth by the doctor, each night, and after a restore."""
