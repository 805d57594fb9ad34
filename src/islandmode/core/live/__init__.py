"""What a live drill needs of its site: reviews, answers, backups, what keeps a conduit closed."""
