"""A hop between the proxy and the trunk that can treat single messages badly.

A proxy works on bytes of TCP and knows no messages. This one passes messages on untouched and unread, until it is asked
for a rule.
"""
