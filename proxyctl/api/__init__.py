"""What `watch` answers over HTTP (`server`), and how verbs ask it (`client`)."""
