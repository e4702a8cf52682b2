"""Making test inputs on purpose."""
