"""What a stranger's file may name, and the scan that holds a configuration against it."""
