"""Model code: a thicker soma."""


def thicken(cell: object) -> None:
    """Widen the first section by a tenth."""
    cell.sections[0].diam *= 1.1  # type: ignore[attr-defined]
