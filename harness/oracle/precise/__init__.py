"""A second reference in float64, written from the formulas: it sees what judge and system compute wrongly alike."""
