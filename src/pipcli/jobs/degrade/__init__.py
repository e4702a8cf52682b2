"""`degrade`: making test inputs."""
