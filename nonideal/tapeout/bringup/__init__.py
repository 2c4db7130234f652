"""What runs beside a fabricated tile: how it is spoken to through its digital pins, on the shuttle's board or on a twin."""
