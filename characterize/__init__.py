"""What the circuit does: benches, sweeps, fits -> PhysicalModel."""
