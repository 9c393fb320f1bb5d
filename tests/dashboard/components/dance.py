"""A small made-up dance and click track, so that the components can be seen and tested without any recording."""

import io
import wave

import numpy as np

from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.skeleton import SMPL24

FPS = 60.0
BEAT_S = 0.5


def dance(frames: int = 300) -> Motion:
    """A step-touch with swinging arms: two beats a second, on the SMPL body."""
    t = np.arange(frames) / FPS
    beat = 2 * np.pi * t / BEAT_S
    rotvec = np.zeros((frames, 24, 3))
    place = {name: j for j, name in enumerate(SMPL24.names)}
    sway, half = np.sin(beat / 2), np.sin(beat / 4)
    rotvec[:, place["pelvis"], 1] = 0.35 * half
    rotvec[:, place["spine2"], 2] = 0.16 * sway
    rotvec[:, place["head"], 0] = 0.12 * np.sin(beat)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        lift = np.maximum(0.0, sign * sway)
        rotvec[:, place[f"{side}_hip"], 0] = -0.95 * lift - 0.12 * (1 - np.cos(beat)) / 2
        rotvec[:, place[f"{side}_knee"], 0] = 1.35 * lift + 0.24 * (1 - np.cos(beat)) / 2
        rotvec[:, place[f"{side}_shoulder"], 2] = -sign * (
            0.75 - 0.55 * np.maximum(0.0, -sign * sway)
        )
        rotvec[:, place[f"{side}_shoulder"], 1] = -0.5 * sign * half
        rotvec[:, place[f"{side}_elbow"], 1] = -sign * (0.9 + 0.5 * np.sin(beat / 2 + sign))
    root = np.stack([0.25 * sway, 0.93 - 0.03 * (1 - np.cos(beat)) / 2, 0.1 * half], axis=1)
    return Motion(SMPL24, rot.rotvec_to_matrix(rotvec), root, FPS)


def shaken(motion: Motion, hidden: np.ndarray, seed: int = 0, size_rad: float = 0.25) -> Motion:
    """The motion with smooth mistakes on hidden joints, as a model would make."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(motion), len(motion.skeleton), 3))
    window = np.hanning(min(31, len(motion)))
    kernel = window / window.sum()
    smooth = np.apply_along_axis(lambda x: np.convolve(x, kernel, mode="same"), 0, noise)
    smooth *= size_rad / max(float(smooth.std()), 1e-9) * hidden[..., None]
    turned = motion.rotations @ rot.rotvec_to_matrix(smooth)
    drift = (smooth[:, 0] * 0.2).astype(np.float32)
    return Motion(motion.skeleton, turned, motion.root_m + drift * hidden[:, :1], motion.fps)


def clicks(seconds: float, rate_hz: int = 22050) -> tuple[np.ndarray, bytes]:
    """A click on each beat over a soft tone: mono samples and the same as a WAV file."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    since = t % BEAT_S
    click = 0.7 * np.sin(2 * np.pi * 880 * since) * np.exp(-since * 40)
    samples = click + 0.12 * np.sin(2 * np.pi * 110 * t) * np.exp(-since * 5)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return samples.astype(np.float32), file.getvalue()
