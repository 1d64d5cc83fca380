"""What the folder of a sweep is worth."""

from __future__ import annotations

from pathlib import Path

from lfpcli.errors import LfpError
from lfpcli.tasks.files.check import Finding, check
from lfpcli.tasks.files.finding import Report, error_finding
from lfpcli.tasks.sweep.index import read_sweep


def check_sweep(folder: Path) -> Report:
    """Look at the index of a sweep, and at each run that is done.

    Returns
    -------
    Report
        What is doubtful of each run, and which are missing.
    """
    report = Report(str(folder))
    try:
        sweep = read_sweep(folder)
    except LfpError as error:
        report.findings.append(error_finding(error, "format"))
        return report
    keys = ", ".join(sweep.keys)
    report.findings.append(Finding("ok", "format", f"sweep of {sweep.count} runs over {keys}"))
    missing = []
    for number in range(sweep.count):
        path = folder / sweep.file(number)
        if not path.exists():
            missing.append(path.name)
            continue
        report.findings += _run_findings(path)
    if missing:
        text = f"{len(missing)} of {sweep.count} runs are not there"
        report.findings.append(Finding("warning", "runs", text, missing[0]))
    return report


def _run_findings(path: Path) -> list[Finding]:
    """What is doubtful of a run; one finding where nothing is."""
    findings = [finding for finding in check(path).findings if finding.state != "ok"]
    for finding in findings:
        finding.source = f"{path.name}{finding.source}"
    return findings or [Finding("ok", "run", "sound", path.name)]
