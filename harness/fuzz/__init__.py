"""Peers that mean harm: malformed requests and raw bytes for a trunk at which a client trains, and a trunk that lies.

A request is malformed when no trunk may take it, at whatever step its session is; see `harness.fuzz.guard`. Half of
them are made by Hypothesis, from rules about what a request can have wrong, the others are mutations of these.
"""
