"""The wire: messages, the trunk link and transports."""
