"""`pip-restore doctor`: what this machine will use, why, and how long a picture will take."""

from typing import Annotated

import typer

from pipcli.tasks import options

ProbeSeconds = Annotated[
    float, typer.Option("--probe", min=1.0, max=600.0, help="Seconds of the speed probe.", metavar="SECONDS")
]


def doctor(probe: ProbeSeconds = 10.0, device: options.DeviceOption = "auto", json: options.Json = False) -> int:
    """Say which device, precision and threads this machine will use and why, and time a short fit.

    \b
    Examples:
      pip-restore doctor
      pip-restore doctor --device cpu --json
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.jobs.interruption import Interruption

    with Interruption() as interruption:
        from pipcli.jobs.doctor import examine

        examine(device, probe, json_lines=json, interruption=interruption)
        return interruption.exit_code
