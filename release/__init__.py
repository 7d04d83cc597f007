"""What a release is made of: its files, what they hold, and under which licences."""
