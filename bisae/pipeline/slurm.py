"""Write the script of a SLURM job array whose jobs build one study together.

Reads a study's plan. The jobs are equal: the leases in the store divide the work.
"""

import re
import shlex
from math import ceil
from pathlib import Path

from bisae.pipeline.devices import Device
from bisae.pipeline.plan import SizePlan
from bisae.study import Study

MOST_JOBS = 16
CORES = 8
"""Cores of a job: for the text, the export, and on a CPU for training."""
SLACK = 1.5
"""Time and memory asked for, relative to what is planned."""
LONGEST = 24
"""Hours of a job; what is left then goes on in a requeued one."""
NOTICE = 300
"""Seconds before the time limit in which a job saves its state."""

SCRIPT = """\
#!/bin/bash
# {n} checkpoints on {device}: about {hours:,.1f} hours in all,
# {longest:,.1f} for the longest. Every job builds what no other job builds, until
# everything is built or failed. Change the number of jobs as you like, and add
# --partition and --account.
#SBATCH --job-name={name}
#SBATCH --output={name}-%A_%a.log
#SBATCH --array=0-{last}
{gpu}#SBATCH --cpus-per-task={cores}
#SBATCH --mem={memory}G
#SBATCH --time={time}:00:00
#SBATCH --signal=TERM@{notice}
#SBATCH --requeue
#SBATCH --open-mode=append

export OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK"
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" bisae build {study} --wait
status=$?
# 143: stopped {notice} s before the time limit, its state saved. Requeued, it goes on.
if [ "$status" -eq 143 ]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
fi
exit "$status"
"""


def job_script(study: Study, path: Path, sizes: list[SizePlan], device: Device) -> str:
    """Return the script of a job array, with memory and hours as planned."""
    n = sum(size.steps for size in sizes)
    n_jobs = min(n, MOST_JOBS)
    hours = sum(size.hours for size in sizes)
    longest = max(size.hours / size.steps for size in sizes)
    return SCRIPT.format(
        n=n,
        device=device.title,
        hours=hours,
        longest=longest,
        name=re.sub(r"[^A-Za-z0-9._-]+", "-", study.name),
        last=n_jobs - 1,
        gpu="#SBATCH --gres=gpu:1\n" if device.kind == "cuda" else "",
        cores=CORES,
        memory=ceil(SLACK * max(size.host_gb for size in sizes)),
        time=min(LONGEST, ceil(SLACK * max(longest, hours / n_jobs))),
        notice=NOTICE,
        study=shlex.quote(str(path.resolve())),
    )
