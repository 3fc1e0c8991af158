"""What a strategy's page must say of its parameters."""

from headwater.strategies.base import BaseStrategy


def parameter_table(strategy: type[BaseStrategy]) -> str:
    """The table of its parameters as the page has it."""
    lines = ["| parameter | default | allowed | what it does |", "|---|---|---|---|"]
    for name, told in strategy.get_parameters().items():
        if told.get("options"):
            allowed = ", ".join(f"`{one}`" for one in told["options"])
        else:
            allowed = f"{told['min']:g} to {told['max']:g}"
            allowed += ", whole" if told["type"] == "integer" else ""
        default = "none" if told["default"] is None else told["default"]
        lines.append(f"| `{name}` | {default} | {allowed} | {told['description']} |")
    return "\n".join(lines)
