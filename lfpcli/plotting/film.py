"""Films of pictures: GIF and APNG by Pillow, MP4 by ffmpeg; equal pictures give equal bytes."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from lfpcli.errors import MissingDependencyError, OutputError

_COLOURS = 256
# one thread and no writer's name: else bytes would depend on the machine
_FFMPEG = (
    "-an -c:v libx264 -preset medium -crf 18 -pix_fmt yuv420p -threads 1 -fflags +bitexact"
    " -flags:v +bitexact -map_metadata -1 -movflags +faststart -f mp4"
)


def check_encoder(file_format: str) -> None:
    """Refuse a format that this machine cannot write.

    Raises
    ------
    MissingDependencyError
        Where there is no ffmpeg for mp4.
    """
    if file_format == "mp4" and shutil.which("ffmpeg") is None:
        raise MissingDependencyError(
            "a film in mp4 needs the program ffmpeg, which is not in the PATH",
            remedy="install it, or name a file .gif or .apng",
        )


def write_film(path: Path, frames: Iterator[np.ndarray], file_format: str, fps: float) -> None:
    """Write pictures as a film that begins again at its end.

    Parameters
    ----------
    path : Path
        File to write.
    frames : iterator of ndarray of uint8, shape (H, W, 3)
        Red, green and blue, 0 to 255, without unit; one or more of one shape.
    file_format : {'gif', 'apng', 'mp4'}
        What to write.
    fps : float
        Pictures a second.

    Raises
    ------
    MissingDependencyError
        Where there is no ffmpeg for mp4.
    OutputError
        Where ffmpeg fails.
    """
    if file_format == "mp4":
        check_encoder(file_format)
        _write_mp4(path, frames, fps)
        return
    is_gif = file_format == "gif"
    # the writer of PNG goes through its pictures twice
    images = [_limited(frame) if is_gif else Image.fromarray(frame) for frame in frames]
    images[0].save(
        path,
        format="GIF" if is_gif else "PNG",
        save_all=True,
        append_images=images[1:],
        duration=1e3 / fps,
        loop=0,
    )


def _limited(frame: np.ndarray) -> Image.Image:
    """A picture in 256 colours of its own."""
    image = Image.fromarray(frame)
    return image.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _write_mp4(path: Path, frames: Iterator[np.ndarray], fps: float) -> None:
    first = next(frames)
    # the format halves the resolution of colours: sides are even
    height, width = (side // 2 * 2 for side in first.shape[:2])
    source = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {fps:g} -i -"
    command = ["ffmpeg", "-y", "-loglevel", "error", *source.split(), *_FFMPEG.split(), str(path)]
    with tempfile.TemporaryFile() as raw:
        for frame in itertools.chain([first], frames):
            raw.write(np.ascontiguousarray(frame[:height, :width]).tobytes())
        raw.seek(0)
        done = subprocess.run(command, stdin=raw, capture_output=True, check=False)
    if done.returncode:
        text = done.stderr.decode("utf-8", "replace").strip()
        said = text.splitlines()[-1] if text else f"exit status {done.returncode}"
        raise OutputError(
            f"ffmpeg: {said}",
            source=path.name,
            remedy="see what ffmpeg says, or write another format",
        )
