"""The digital side of a tile: control lines, serial port and time-to-digital read-out, from Verilog to placed and routed standard cells."""
