"""The verbs: what a member, a guest or an operator can do. Every door calls these; a rule is written here once."""
