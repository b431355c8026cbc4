"""The mail connector: messages for people through any SMTP server (RFC 5321), the operator's own."""
