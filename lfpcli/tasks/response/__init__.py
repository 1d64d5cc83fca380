"""What a spike of a population causes: kernels by linear response."""

__all__: list[str] = []
