"""The simulated world: the ordinary client and trunk in one thread, with virtual time and one seed."""
