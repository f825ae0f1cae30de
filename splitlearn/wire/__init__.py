"""The wire: messages, links and transports."""
