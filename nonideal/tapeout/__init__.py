"""What becomes a chip? The tile of a shuttle: network, generator and digital side in its frame, with all files that the shuttle takes."""
