"""Device, processes, atomic file writes, checkpoints, evaluation mode, downloads."""
