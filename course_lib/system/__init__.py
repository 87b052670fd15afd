"""Device, processes, files written whole or not at all, checkpoints, evaluation mode, downloads."""
