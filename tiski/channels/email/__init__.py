"""Email as a channel: a mailbox read by IMAP, answers sent by SMTP. Importing this package does not load Django."""
