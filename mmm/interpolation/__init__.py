"""Gap fills without a network, in numpy and in torch."""
