"""The simulated world: the production client and trunk code in one thread, in virtual time, driven by one seed."""
