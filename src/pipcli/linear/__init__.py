"""Linear algebra of pictures: convolution and its adjoints, and conjugate gradients."""
