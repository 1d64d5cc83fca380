"""Forward models: from currents to what an instrument measures. Arrays in, arrays out."""
