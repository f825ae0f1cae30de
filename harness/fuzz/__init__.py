"""Hostile peers: malformed requests and raw bytes for a trunk while a client trains, and a trunk that lies.

A request is malformed if no trunk may accept it, whatever step its session is at; see `harness.fuzz.guard`. Half of
them come from Hypothesis, by rules about what can be wrong with a request; the others are mutations of these.
"""
