"""A hop between the proxy and the trunk that can damage single messages.

A proxy works on TCP bytes and does not know messages. This one passes messages on untouched and unread until it is
given a rule.
"""
