"""What several tests share: synthetic films and servers."""
