"""Where authored files come from: a Git tree at a commit, or a folder."""
