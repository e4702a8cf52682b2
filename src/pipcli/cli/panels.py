"""The help of a command with its options in groups.

Typer draws groups with rich, which takes "[default: ...]" in a help text for markup and cuts long choices. Here they
are sections of the plain help, which also reads well in a pipe.
"""

from typing import Any

from typer.core import TyperCommand

from pipcli.tasks.panels import ENCODER, GENERATOR, NOISE, OUTPUT, REPORTS, STOPPING

ORDER = ("Arguments", "Options", OUTPUT, NOISE, GENERATOR, STOPPING, ENCODER, REPORTS)


class PanelledCommand(TyperCommand):
    """A command whose help shows each option under its `rich_help_panel`; options without one come first."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of arguments and options."""
        sections: dict[str, list[tuple[str, str]]] = {name: [] for name in ORDER}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                default = "Arguments" if parameter.param_type_name == "argument" else "Options"
                sections[getattr(parameter, "rich_help_panel", None) or default].append(record)
        for name, records in sections.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)
